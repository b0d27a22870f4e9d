package state

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// LockedError says that another live process owns the state directory.
type LockedError struct {
	Path string
	PID  int // of the owner; 0 where the kernel does not tell
	// Keeper says that the owner is a keeper, which hands over when it is asked.
	Keeper bool
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("state_dir %q is locked by process %d: only one process can own it; "+
		"stop that process or give this one another state_dir", e.Path, e.PID)
}

// The locks are record locks (fcntl(2), F_SETLK). The kernel frees one when its
// process dies, and a forked child does not hold it, other than the locks of
// flock(2) and of open file descriptions. It is also gone when the process closes
// any descriptor of the file: nothing else in the process may open it, which is why
// engines are shared, and why a keeper has a file of its own.

// TryLock takes the lock, or fails with a *LockedError where another process has it.
func (d *Dir) TryLock() error {
	if err := d.openLock(); err != nil {
		return err
	}
	for {
		err := lock(d.lock, unix.F_SETLK)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EACCES) {
			return fmt.Errorf("%w: lock state_dir %q: %w", ErrNotUsable, d.path, err)
		}
		pid, err := holder(d.lock)
		if err != nil {
			return fmt.Errorf("%w: ask for the owner of state_dir %q: %w", ErrNotUsable, d.path, err)
		}
		if pid != 0 {
			return &LockedError{Path: d.path, PID: pid, Keeper: d.keeper() == pid}
		}
		// The owner died between the two calls.
	}
}

// WaitLock takes the lock as soon as its owner dies or gives it up. It blocks in the
// kernel, without any wake-up before.
func (d *Dir) WaitLock() error {
	if err := d.openLock(); err != nil {
		return err
	}
	for {
		err := lock(d.lock, unix.F_SETLKW)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for the lock of state_dir %q: %w", d.path, err)
		}
	}
}

func (d *Dir) openLock() error {
	if d.lock >= 0 {
		return nil
	}
	fd, err := unix.Openat(d.fd, lockName, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return fmt.Errorf("%w: open the lock of state_dir %q: %w", ErrNotUsable, d.path, err)
	}
	d.lock = fd
	return nil
}

// KeeperLock makes this process the keeper of the state directory; there is one. The
// caller closes the descriptor to end that. It fails with a *LockedError.
func (d *Dir) KeeperLock() (fd int, err error) {
	fd, err = unix.Openat(d.fd, keeperName, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return -1, fmt.Errorf("%w: open the keeper's lock of state_dir %q: %w", ErrNotUsable, d.path, err)
	}
	if err := lock(fd, unix.F_SETLK); err != nil {
		pid, _ := holder(fd)
		_ = unix.Close(fd)
		return -1, fmt.Errorf("state_dir %q has a keeper already, process %d: %w", d.path, pid, err)
	}
	return fd, nil
}

// keeper is the process that is the keeper, 0 if there is none.
func (d *Dir) keeper() int {
	fd, err := unix.Openat(d.fd, keeperName, unix.O_RDWR|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	pid, _ := holder(fd)
	return pid
}

func lock(fd, command int) error {
	whole := unix.Flock_t{Type: unix.F_WRLCK}
	return unix.FcntlFlock(uintptr(fd), command, &whole)
}

// holder is the process that has the lock of a file, 0 if there is none.
func holder(fd int) (pid int, err error) {
	asked := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(uintptr(fd), unix.F_GETLK, &asked); err != nil {
		return 0, err
	}
	if asked.Type == unix.F_UNLCK {
		return 0, nil
	}
	return int(asked.Pid), nil
}

// Same says whether path is this directory, by whatever name.
func (d *Dir) Same(path string) bool {
	var st unix.Stat_t
	return unix.Stat(path, &st) == nil && st.Dev == d.device && st.Ino == d.inode
}
