// Package sandbox is a container's directory held open: the logger reaches every file in a
// sandbox through it.
//
// The owner of the directory is treated as an enemy, who may swap any name in it between two
// system calls. So the package resolves the path that the agent gave exactly once, in Open,
// and follows no link in the part of it that lies in the sandbox of a parent container. Every
// later operation is relative to that descriptor, never follows a link, and checks what it got
// through the descriptor that it got.
//
// The package refuses to hand out a path, to open anything but a regular file with one name,
// and to overwrite a file that it creates. It does not decide whose rights the calls have: the
// caller runs on a thread that has taken the identity of the task's user.
package sandbox

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Errors that callers match with errors.Is.
var (
	// ErrNotDirectory says that a path or name is no directory, or is a link.
	ErrNotDirectory = errors.New("not a directory")
	// ErrImpostor says that what bears a name of ours is not a regular file
	// with exactly one name.
	ErrImpostor = errors.New("not a regular file with one name")
	// ErrBadName says that a name is empty, ".", "..", or has a slash or NUL.
	ErrBadName = errors.New("not a file name")
)

// Dir is a directory held open. Its methods may be called concurrently, except
// Close. It owns its descriptor.
type Dir struct {
	fd  atomic.Int32 // notReached: every call fails with EBADF
	dev uint64
	ino uint64

	expected // of Expect
}

// notReached is the descriptor of a Dir without one.
const notReached = -1

// at is the descriptor of the directory.
func (d *Dir) at() int { return int(d.fd.Load()) }

// Open opens the directory that path names. It follows no link in the last component, nor in
// those in the sandbox of a parent container, which that sandbox's owner can change. The
// components before them are the agent's own, and trusted. It may block for as long as the
// file system does. The caller closes the Dir.
func Open(path string) (*Dir, error) {
	above, nested := splitNested(path)
	d, err := openDirectory(above)
	if err != nil || nested == "" {
		return d, err
	}
	defer d.Close()
	sub, err := d.Sub(nested)
	if err != nil {
		return nil, fmt.Errorf("open sandbox %q: %w", path, err)
	}
	return sub, nil
}

func openDirectory(path string) (*Dir, error) {
	fd, err := ignoringEINTR(func() (int, error) {
		return unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
	if errors.Is(err, unix.ENOTDIR) && isLink(path) {
		err = unix.ELOOP // O_DIRECTORY says the same of a link and of a file
	}
	if err != nil {
		return nil, fmt.Errorf("open sandbox %q: %w", path, notDirectory(err))
	}
	return adopt(fd, path)
}

// Sub opens the directory that rel names beneath d; no component of it may be a
// link, and none may lead out of d. "." gives a second handle of d itself.
func (d *Dir) Sub(rel string) (*Dir, error) {
	how := unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	}
	fd, err := ignoringEINTR(func() (int, error) { return unix.Openat2(d.at(), rel, &how) })
	if errors.Is(err, unix.ENOTDIR) && d.isLink(rel) {
		err = unix.ELOOP // O_DIRECTORY says the same of a link and of a file
	}
	if err != nil {
		return nil, fmt.Errorf("open directory %q beneath the sandbox: %w", rel, notDirectory(err))
	}
	return adopt(fd, rel)
}

func adopt(fd int, name string) (*Dir, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("stat directory %q: %w", name, err)
	}
	d := &Dir{dev: st.Dev, ino: st.Ino}
	d.fd.Store(int32(fd))
	return d, nil
}

// Close releases the descriptor. No other method may run meanwhile or later.
func (d *Dir) Close() error {
	if fd := d.fd.Swap(notReached); fd != notReached {
		return unix.Close(int(fd))
	}
	return nil
}

// Device is the number of the file system that the directory lies on.
func (d *Dir) Device() uint64 { return d.dev }

// Inode is the directory's own, which with Device identifies it.
func (d *Dir) Inode() uint64 { return d.ino }

// Owner gives user and group of the directory.
func (d *Dir) Owner() (uid, gid int, err error) {
	var st unix.Stat_t
	if err := unix.Fstat(d.at(), &st); err != nil {
		return 0, 0, fmt.Errorf("stat sandbox: %w", err)
	}
	return int(st.Uid), int(st.Gid), nil
}

// Removed tells whether the directory itself was removed while it was held open, or turned out
// to be gone.
func (d *Dir) Removed() bool {
	if d.gone.Load() {
		return true
	}
	var st unix.Stat_t
	return unix.Fstat(d.at(), &st) == nil && st.Nlink == 0
}

// Mkdir makes a directory with exactly the permission bits of mode (no umask).
func (d *Dir) Mkdir(name string, mode os.FileMode) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := unix.Mkdirat(d.at(), name, 0o700); err != nil {
		return fmt.Errorf("make directory %q: %w", name, err)
	}
	sub, err := d.Sub(name)
	if err != nil {
		return err
	}
	defer sub.Close()
	if err := unix.Fchmod(sub.at(), uint32(mode.Perm())); err != nil {
		return fmt.Errorf("set mode of directory %q: %w", name, err)
	}
	return nil
}

// Rename gives the file from in d the name to in dest, replacing what has it. It follows no
// link: a link itself is renamed.
func (d *Dir) Rename(from string, dest *Dir, to string) error {
	return d.rename(from, dest, to, 0)
}

// RenameNew is like Rename, but fails with fs.ErrExist if dest has the name to.
func (d *Dir) RenameNew(from string, dest *Dir, to string) error {
	return d.rename(from, dest, to, unix.RENAME_NOREPLACE)
}

func (d *Dir) rename(from string, dest *Dir, to string, flags uint) error {
	if err := errors.Join(checkName(from), checkName(to)); err != nil {
		return err
	}
	if err := unix.Renameat2(d.at(), from, dest.at(), to, flags); err != nil {
		return fmt.Errorf("rename %q to %q: %w", from, to, err)
	}
	return nil
}

// Unlink removes the name of a file (or link), never a directory.
func (d *Dir) Unlink(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := unix.Unlinkat(d.at(), name, 0); err != nil {
		return fmt.Errorf("remove %q: %w", name, err)
	}
	return nil
}

// checkName accepts one component: a name that leads nowhere else.
func checkName(name string) error {
	if name == "" || name == "." || name == ".." {
		return fmt.Errorf("%w: %q", ErrBadName, name)
	}
	for i := range len(name) {
		if name[i] == '/' || name[i] == 0 {
			return fmt.Errorf("%w: %q", ErrBadName, name)
		}
	}
	return nil
}

func (d *Dir) isLink(name string) bool {
	var st unix.Stat_t
	return unix.Fstatat(d.at(), name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK
}

func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&os.ModeSymlink != 0
}

// notDirectory maps the kernel's errors for a link or a file in a directory's place.
func notDirectory(err error) error {
	switch {
	case errors.Is(err, unix.ELOOP):
		return fmt.Errorf("%w but a link, or beneath one (%w)", ErrNotDirectory, err)
	case errors.Is(err, unix.ENOTDIR):
		return fmt.Errorf("%w (%w)", ErrNotDirectory, err)
	}
	return err
}

// ignoringEINTR repeats a call that a signal interrupted: Go's runtime preempts with signals,
// and slow file systems let open be interrupted.
func ignoringEINTR(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
