package kit

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Ends is a lock that containers hold while they end. A pipe that nobody has open keeps
// nothing: what a container leaves in its pipe is lost where the owner is killed then, so
// that no container may end around a kill. The kernel closes descriptors in their order:
// the lock outlasts the pipes.
type Ends string

// Make makes the lock's file, for every user.
func (e Ends) Make() error {
	return errors.Join(os.WriteFile(string(e), nil, 0o600), os.Chmod(string(e), 0o644))
}

// Begin is the last thing that a container does but for saying so and ending. The lock
// is never closed but by the end of the process.
func (e Ends) Begin() error {
	lock, err := unix.Open(string(e), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open %s: %w", string(e), err)
	}
	return flock(lock, unix.LOCK_SH)
}

// HoldOff lets no container end until it is released, once none is left that has ended
// and whose output an owner still reads.
func (e Ends) HoldOff(endedButOwned func() bool) (release func(), err error) {
	lock, err := unix.Open(string(e), unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open the lock: %w", err)
	}
	if err := flock(lock, unix.LOCK_EX); err != nil {
		return nil, errors.Join(err, unix.Close(lock))
	}
	for endedButOwned() {
		time.Sleep(5 * time.Millisecond)
	}
	return func() { _ = unix.Close(lock) }, nil
}

// flock is flock(2), again where a signal of the Go runtime ends it.
func flock(fd, how int) error {
	for {
		if err := unix.Flock(fd, how); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// IsOwned says whether a state directory still has something of a container.
func IsOwned(state, id string) bool {
	entries, err := os.ReadDir(state)
	if err != nil {
		return true
	}
	for _, entry := range entries {
		if strings.Contains(entry.Name(), id) {
			return true
		}
	}
	return false
}

// Entries counts those of a directory, as /proc/PID/fd and /proc/PID/task.
func Entries(dir string) int {
	entries, _ := os.ReadDir(dir)
	return len(entries)
}
