package state

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// LockedError says that another live process owns the state directory.
type LockedError struct {
	Path string
	PID  int // of the owner; 0 where the kernel does not tell
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("state_dir %q is locked by process %d: only one process can own it; "+
		"stop that process or give this one another state_dir", e.Path, e.PID)
}

// takeLock takes a record lock on the lock file (fcntl(2), F_SETLK). The kernel frees
// it when the process dies, and a forked child does not hold it, other than the
// locks of flock(2) and open file descriptions. It is also gone when the process
// closes any descriptor of the file: nothing else in the process may open it, which
// is why engines are shared.
func (d *Dir) takeLock() error {
	fd, err := unix.Openat(d.fd, lockName, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return fmt.Errorf("%w: open the lock of state_dir %q: %w", ErrNotUsable, d.path, err)
	}
	d.lock = fd
	for {
		whole := unix.Flock_t{Type: unix.F_WRLCK}
		err = unix.FcntlFlock(uintptr(fd), unix.F_SETLK, &whole)
		if err == nil {
			return nil
		}
		if err != unix.EAGAIN && err != unix.EACCES {
			return fmt.Errorf("%w: lock state_dir %q: %w", ErrNotUsable, d.path, err)
		}
		holder := unix.Flock_t{Type: unix.F_WRLCK}
		if err := unix.FcntlFlock(uintptr(fd), unix.F_GETLK, &holder); err != nil {
			return fmt.Errorf("%w: ask for the owner of state_dir %q: %w", ErrNotUsable, d.path, err)
		}
		if holder.Type != unix.F_UNLCK {
			return &LockedError{Path: d.path, PID: int(holder.Pid)}
		}
		// The owner died between the two calls.
	}
}

// Same says whether path is this directory, by whatever name.
func (d *Dir) Same(path string) bool {
	var st unix.Stat_t
	return unix.Stat(path, &st) == nil && st.Dev == d.device && st.Ino == d.inode
}
