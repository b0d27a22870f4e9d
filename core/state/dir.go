// Package state is the state directory. For each stream it has a FIFO, through which the
// container's output comes, and a record, from which the stream can be served again when its
// owner has died. One live process owns the directory.
//
// It belongs to the host process alone (mode 0700): a container reaches its FIFO
// only through the descriptor that it was given. The package trusts the names in
// the directory but not the contents of the records, which a crash or a newer
// version may have written. It refuses a directory that anybody else can write to.
package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Suffixes of the names in the directory.
const (
	fifoSuffix   = ".fifo"
	recordSuffix = ".record"
	newSuffix    = ".new"   // a record that is being written
	asideSuffix  = ".aside" // a record that could not be used
	spillSuffix  = ".spill" // dropped output on its way to the account
	lockName     = "lock"
	keeperName   = "keeper"   // the keeper's lock
	settingsName = "settings" // the parameters of the last agent
)

// Sockets of the directory.
const (
	KeeperSocket = "keeper.socket" // where a keeper that owns can be asked to hand over
	OwnerSocket  = "owner.socket"  // where every owner can be asked what it does
)

// ErrNotUsable says that the path cannot serve as a state directory.
var ErrNotUsable = errors.New("cannot be the state directory")

// Dir is a state directory; with its lock this process owns it. Its methods may be called
// concurrently, except Close.
type Dir struct {
	fd     int
	mount  int // the same directory, on a mount of its own; -1: there is none
	path   string
	lock   int
	device uint64
	inode  uint64
	bootID string
}

// Open is Attach and TryLock.
func Open(path string) (*Dir, error) {
	d, err := Attach(path)
	if err != nil {
		return nil, err
	}
	if err := d.TryLock(); err != nil {
		_ = d.Close()
		return nil, err
	}
	return d, nil
}

// Attach makes the directory if it is missing, and checks it, without taking its lock: nothing
// in it may be changed yet. It fails with ErrNotUsable if it is not a directory, not ours, or
// writable by others.
func Attach(path string) (*Dir, error) {
	if err := makeDir(path); err != nil {
		return nil, fmt.Errorf("%w: state_dir %q: expected a directory or a place to make one: %w", ErrNotUsable, path, err)
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: state_dir %q: expected a directory that is no link: %w", ErrNotUsable, path, err)
	}
	d := &Dir{fd: fd, mount: mountApart(fd), path: path, lock: -1}
	if err := errors.Join(d.check(), d.readBootID()); err != nil {
		_ = d.Close()
		return nil, err
	}
	return d, nil
}

// makeDir makes the directory for this process alone. Everybody may look into those above it,
// such as /var/run/mesos after a boot.
func makeDir(path string) error {
	if err := os.MkdirAll(filepath.Dir(filepath.Clean(path)), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// Close gives up the directory and its lock.
func (d *Dir) Close() error {
	err := unix.Close(d.fd)
	if d.mount >= 0 {
		err = errors.Join(err, unix.Close(d.mount))
	}
	if d.lock >= 0 {
		err = errors.Join(err, unix.Close(d.lock))
	}
	return err
}

// Path is where the directory was opened.
func (d *Dir) Path() string { return d.path }

// Inode is the directory's own number.
func (d *Dir) Inode() uint64 { return d.inode }

// BootID is the kernel's id of the present boot.
func (d *Dir) BootID() string { return d.bootID }

// check refuses somebody else's directory, and closes ours to all but its owner.
func (d *Dir) check() error {
	var st unix.Stat_t
	if err := unix.Fstat(d.fd, &st); err != nil {
		return fmt.Errorf("%w: state_dir %q: %w", ErrNotUsable, d.path, err)
	}
	if int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("%w: state_dir %q belongs to user %d, expected %d, the user of this process",
			ErrNotUsable, d.path, st.Uid, os.Geteuid())
	}
	if st.Mode&0o022 != 0 {
		return fmt.Errorf("%w: state_dir %q has mode %04o, expected 0700: others can write there",
			ErrNotUsable, d.path, st.Mode&0o7777)
	}
	d.device, d.inode = st.Dev, st.Ino
	if st.Mode&0o777 != 0o700 {
		if err := unix.Fchmod(d.fd, 0o700); err != nil {
			return fmt.Errorf("%w: close state_dir %q to others: %w", ErrNotUsable, d.path, err)
		}
	}
	return nil
}

func (d *Dir) readBootID() error {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return fmt.Errorf("read the boot id: %w", err)
	}
	d.bootID = strings.TrimSpace(string(text))
	return nil
}

// Streams lists the ids of all streams that have a record, in no order.
func (d *Dir) Streams() ([]string, error) { return d.ids(recordSuffix) }

// Unrecorded lists the ids of the FIFOs that have no record: a crash left them half made, their
// record was set aside, or somebody took it. A container gets its FIFO only once the record is
// saved, and Remove takes the record first, and both only after the container's end. So no
// container holds a FIFO that is half made or half removed, but the names alone do not tell
// these from the others.
func (d *Dir) Unrecorded() ([]string, error) {
	recorded, err := d.Streams()
	if err != nil {
		return nil, err
	}
	has := map[string]bool{}
	for _, id := range recorded {
		has[id] = true
	}
	ids, err := d.ids(fifoSuffix)
	return slices.DeleteFunc(ids, func(id string) bool { return has[id] }), err
}

func (d *Dir) ids(suffix string) ([]string, error) {
	names, err := d.names()
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, name := range names {
		if id, ok := strings.CutSuffix(name, suffix); ok {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// Sweep removes what nobody needs any more: files that a crash left half written, spills
// without a record, and records that were set aside before the last boot. It leaves names that
// it cannot remove; the error tells of them.
func (d *Dir) Sweep() error {
	names, err := d.names()
	if err != nil {
		return err
	}
	recorded := map[string]bool{}
	for _, name := range names {
		if id, ok := strings.CutSuffix(name, recordSuffix); ok {
			recorded[id] = true
		}
	}
	var left error
	for _, name := range names {
		spill, isSpill := strings.CutSuffix(name, spillSuffix)
		if strings.HasSuffix(name, newSuffix) || isSpill && !recorded[spill] ||
			strings.HasSuffix(name, asideSuffix) && d.ofAnotherBoot(name) {
			left = errors.Join(left, d.unlink(name))
		}
	}
	return left
}

// ofAnotherBoot tells whether a name was made before the last boot, if the clock was right then.
func (d *Dir) ofAnotherBoot(name string) bool {
	var st unix.Stat_t
	var up unix.Timespec
	if unix.Fstatat(d.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &up) != nil {
		return false
	}
	booted := time.Now().Add(-time.Duration(up.Nano()))
	return time.Unix(st.Ctim.Sec, st.Ctim.Nsec).Before(booted)
}

func (d *Dir) names() ([]string, error) {
	fd, err := unix.Openat(d.fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("list state_dir %q: %w", d.path, err)
	}
	f := os.NewFile(uintptr(fd), d.path)
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list state_dir %q: %w", d.path, err)
	}
	return names, nil
}

func (d *Dir) unlink(name string) error {
	if err := unix.Unlinkat(d.fd, name, 0); err != nil && err != unix.ENOENT {
		return fmt.Errorf("remove %q from state_dir %q: %w", name, d.path, err)
	}
	return nil
}

// Remove forgets a stream: its FIFO, its record and its spill. It is no error if some are gone.
func (d *Dir) Remove(id string) error {
	return errors.Join(d.unlink(id+recordSuffix), d.unlink(id+fifoSuffix), d.unlink(id+spillSuffix))
}

// SetAside keeps the record of a stream that cannot be served under a name that no
// later start reads. Its FIFO stays: a container may have it.
func (d *Dir) SetAside(id string) error {
	if err := unix.Renameat(d.fd, id+recordSuffix, d.fd, id+asideSuffix); err != nil {
		return fmt.Errorf("set aside record %q in state_dir %q: %w", id, d.path, err)
	}
	return d.unlink(id + spillSuffix)
}
