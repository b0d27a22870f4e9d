package state

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// DetachedKeeper is what the lock of a keeper says if an agent or a person started it in the
// background: no service manager starts it again.
const DetachedKeeper = "detached\n"

// KeeperInfo tells of the keeper of a state directory.
type KeeperInfo struct {
	Lives    bool
	PID      int // 0 if it is in a PID namespace that this process cannot see
	Detached bool
}

// Keeper tells whether a keeper lives. The keeper itself must not call it.
func (d *Dir) Keeper() (KeeperInfo, error) {
	fd, err := unix.Openat(d.fd, keeperName, unix.O_RDWR|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return KeeperInfo{}, nil
	}
	if err != nil {
		return KeeperInfo{}, fmt.Errorf("open the keeper's lock of state_dir %q: %w", d.path, err)
	}
	defer unix.Close(fd)
	owner, err := holderOf(fd)
	if err != nil {
		return KeeperInfo{}, fmt.Errorf("ask for the keeper of state_dir %q: %w", d.path, err)
	}
	text := make([]byte, len(DetachedKeeper))
	n, _ := unix.Pread(fd, text, 0)
	return KeeperInfo{Lives: owner.held, PID: owner.pid, Detached: strings.HasPrefix(string(text[:max(0, n)]), DetachedKeeper)}, nil
}

// AwaitNoKeeper waits until no keeper lives. It blocks in the kernel, without any wake-up. The
// keeper itself must not call it.
func (d *Dir) AwaitNoKeeper() error {
	fd, err := unix.Openat(d.fd, keeperName, unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return fmt.Errorf("open the keeper's lock of state_dir %q: %w", d.path, err)
	}
	defer unix.Close(fd)
	for {
		// This is a lock for reading, so that those who wait do not wait for each other. It belongs
		// to the open file (F_OFD_SETLKW): otherwise the kernel would see a deadlock between an
		// agent and the keeper that waits for the agent's lock.
		wanted := unix.Flock_t{Type: unix.F_RDLCK}
		err := unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLKW, &wanted)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for the keeper of state_dir %q: %w", d.path, err)
		}
	}
}
