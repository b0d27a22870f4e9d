package state

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// LockedError says that another live process owns the state directory.
type LockedError struct {
	Path string
	PID  int // of the owner; 0 if it is in a PID namespace that this process cannot see
	// Keeper says that the owner is a keeper, which hands over when asked.
	Keeper bool
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("state_dir %q is locked by %s: only one process can own it; "+
		"stop that process or give this one another state_dir", e.Path, ProcessText(e.PID))
}

// ProcessText names the holder of a lock by what the kernel says of it.
func ProcessText(pid int) string {
	if pid == 0 {
		return "a process in another PID namespace"
	}
	return fmt.Sprintf("process %d", pid)
}

// The locks are record locks (fcntl(2), F_SETLK). The kernel frees one when its process dies,
// and a forked child does not hold it, unlike the locks of flock(2) and of open file
// descriptions. It is also gone when the process closes any descriptor of the file, so nothing
// else in the process may open it. That is why engines are shared, and why a keeper has a file
// of its own.
//
// Whoever asks for the holder of such a lock gets its range and its process, but no process if
// that is in a PID namespace that is not beneath the asker's own, as in another container. So
// the range says what the owner is: an agent locks the whole file, a keeper all but its last
// bytes, where nothing ever is.
const keeperRangeBytes = 1 << 62

// TryLock takes the lock, or fails with a *LockedError if another process has it.
func (d *Dir) TryLock() error {
	if err := d.openLock(); err != nil {
		return err
	}
	for {
		err := lock(d.lock, unix.F_SETLK, 0)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EACCES) {
			return fmt.Errorf("%w: lock state_dir %q: %w", ErrNotUsable, d.path, err)
		}
		owner, err := holderOf(d.lock)
		if err != nil {
			return fmt.Errorf("%w: ask for the owner of state_dir %q: %w", ErrNotUsable, d.path, err)
		}
		if owner.held {
			return &LockedError{Path: d.path, PID: owner.pid, Keeper: owner.lengthBytes == keeperRangeBytes || d.isKeeper(owner.pid)}
		}
		// The owner died between the two calls.
	}
}

// Owned tells whether another process has the lock. It takes no lock, so nobody mistakes it for
// an owner, and it leaves alone the keeper's own lock, which this process may have.
func (d *Dir) Owned() (bool, error) {
	if err := d.openLock(); err != nil {
		return false, err
	}
	owner, err := holderOf(d.lock)
	if err != nil {
		return false, fmt.Errorf("ask for the owner of state_dir %q: %w", d.path, err)
	}
	return owner.held, nil
}

// WaitLock takes the lock for a keeper as soon as its owner dies or gives it up. It
// blocks in the kernel, without any wake-up before.
func (d *Dir) WaitLock() error {
	if err := d.openLock(); err != nil {
		return err
	}
	for {
		err := lock(d.lock, unix.F_SETLKW, keeperRangeBytes)
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

// KeeperLock makes this process the keeper of the state directory, of which there is one. The
// caller closes the descriptor to end that. Others can read what it says of itself (Keeper).
func (d *Dir) KeeperLock(says string) (fd int, err error) {
	fd, err = unix.Openat(d.fd, keeperName, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return -1, fmt.Errorf("%w: open the keeper's lock of state_dir %q: %w", ErrNotUsable, d.path, err)
	}
	if err := lock(fd, unix.F_SETLK, 0); err != nil {
		other, _ := holderOf(fd)
		_ = unix.Close(fd)
		return -1, fmt.Errorf("state_dir %q has a keeper already, %s: %w", d.path, ProcessText(other.pid), err)
	}
	// If the directory has no room the keeper says nothing.
	_ = unix.Ftruncate(fd, 0)
	_, _ = unix.Pwrite(fd, []byte(says), 0)
	return fd, nil
}

// isKeeper recognises a keeper of 0.1.0, which locked the whole file, by its second lock. It
// cannot where the kernel does not give the process.
func (d *Dir) isKeeper(pid int) bool {
	fd, err := unix.Openat(d.fd, keeperName, unix.O_RDWR|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	keeper, err := holderOf(fd)
	return err == nil && keeper.held && keeper.pid == pid && pid != 0
}

// lock locks the first bytes of a file, or all of it if lengthBytes is 0.
func lock(fd, command int, lengthBytes int64) error {
	wanted := unix.Flock_t{Type: unix.F_WRLCK, Len: lengthBytes}
	return unix.FcntlFlock(uintptr(fd), command, &wanted)
}

// holder is what the kernel says of the process that has the lock of a file.
type holder struct {
	held        bool
	pid         int // 0 if this process cannot see it
	lengthBytes int64
}

// holderOf asks who has the lock of a file.
func holderOf(fd int) (holder, error) {
	asked := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(uintptr(fd), unix.F_GETLK, &asked); err != nil {
		return holder{}, err
	}
	return holder{held: asked.Type != unix.F_UNLCK, pid: int(max(0, asked.Pid)), lengthBytes: asked.Len}, nil
}

// Same says whether path is this directory, by whatever name.
func (d *Dir) Same(path string) bool {
	var st unix.Stat_t
	return unix.Stat(path, &st) == nil && st.Dev == d.device && st.Ino == d.inode
}
