package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	sluicepb "sluice/proto"
)

// View is a state directory for somebody who only looks: it does not make, lock or sweep
// anything, and never opens the lock file. Its methods may be called concurrently, except
// Close.
type View struct{ dir *Dir }

// OpenView opens the directory. It fails with fs.ErrNotExist or fs.ErrPermission if there is
// nothing to see, and with ErrNotUsable if anybody but root and this user could have written
// what is in it.
func OpenView(path string) (*View, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open state_dir %q: %w", path, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("open state_dir %q: %w", path, err)
	}
	if st.Uid != 0 && int(st.Uid) != os.Geteuid() || st.Mode&0o022 != 0 {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("%w: state_dir %q belongs to user %d with mode %04o; expected a directory that only its owner, root or user %d, can write to",
			ErrNotUsable, path, st.Uid, st.Mode&0o7777, os.Geteuid())
	}
	return &View{&Dir{fd: fd, mount: -1, path: path, lock: -1, device: st.Dev, inode: st.Ino}}, nil
}

// Close releases the descriptor.
func (v *View) Close() error { return v.dir.Close() }

// Path is where the directory was opened.
func (v *View) Path() string { return v.dir.path }

// Recorded lists the ids of all streams that have a record, in no order.
func (v *View) Recorded() ([]string, error) {
	names, err := v.dir.names()
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, name := range names {
		if id, ok := strings.CutSuffix(name, recordSuffix); ok {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// Has tells whether a stream still has its record. The record goes when the last byte of the
// stream is in its file and the last compression is done.
func (v *View) Has(id string) bool {
	var st unix.Stat_t
	err := unix.Fstatat(v.dir.fd, id+recordSuffix, &st, unix.AT_SYMLINK_NOFOLLOW)
	return !errors.Is(err, fs.ErrNotExist)
}

// Load reads the record of a stream, as Dir.Load does.
func (v *View) Load(id string) (*sluicepb.StreamRecord, error) { return v.dir.Load(id) }

// LoadSettings gives what the last owner kept, as Dir.LoadSettings does.
func (v *View) LoadSettings() ([]byte, error) { return v.dir.LoadSettings() }

// BootID is the kernel's id of the present boot. The pipes of a record from another boot are
// gone.
func (v *View) BootID() (string, error) {
	here := Dir{}
	err := here.readBootID()
	return here.bootID, err
}
