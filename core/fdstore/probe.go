package fdstore

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/shortage"
)

// The service manager tells nobody what it keeps: a unit without FileDescriptorStoreMax= still
// has $NOTIFY_SOCKET if it has NotifyAccess=, and the manager closes what it is sent without a
// word. So Probe tries it: a pipe whose reading end only the manager has shows whether that end
// is open.

// Kept is what a try has shown.
type Kept int

// The results of a try.
const (
	// NoStore: there is no service manager that could keep anything.
	NoStore Kept = iota
	// NotKept: there is one, and it closes what it is sent.
	NotKept
	// NotTold: it has not answered within the asker's patience.
	NotTold
	// IsKept: it keeps what it is sent.
	IsKept
)

// probeName is the end of the name under which a try sends its pipe.
const probeName = "probe"

// Probe asks whether the service manager keeps descriptors for this process. It blocks while
// the manager is busy, at most for patience.
func (s *Store) Probe(patience time.Duration) (kept Kept) {
	if s.address == "" {
		return NoStore
	}
	var pipe, barrier [2]int
	if unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK) != nil {
		return NotTold
	}
	defer unix.Close(pipe[1])
	if unix.Pipe2(barrier[:], unix.O_CLOEXEC|unix.O_NONBLOCK) != nil {
		_ = unix.Close(pipe[0])
		return NotTold
	}
	defer unix.Close(barrier[0])
	deadline := time.Now().Add(patience)
	name := "\nFDNAME=" + s.prefix + probeName
	err := errors.Join(
		s.sendBy(deadline, "FDSTORE=1\nFDPOLL=0"+name, unix.UnixRights(pipe[0])),
		// The manager closes it when it has looked at all that came before
		// (sd_notify_barrier(3)). One that knows no barriers does so too, since it keeps no
		// descriptor without a name.
		s.sendBy(deadline, "BARRIER=1", unix.UnixRights(barrier[1])),
	)
	_, _ = unix.Close(pipe[0]), unix.Close(barrier[1])
	switch {
	case err != nil:
		return NotTold
	case !polled(barrier[0], unix.POLLHUP, deadline):
		kept = NotTold
	case polled(pipe[1], unix.POLLERR, time.Time{}): // nobody has the reading end
		return NotKept
	default:
		kept = IsKept
	}
	_ = s.sendBy(deadline.Add(goodbye), "FDSTOREREMOVE=1"+name, nil)
	return kept
}

// sendBy sends as soon as the manager's queue has room.
func (s *Store) sendBy(deadline time.Time, message string, rights []byte) error {
	return shortage.Retry(time.Until(deadline), func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.sendLocked(message, rights)
	})
}

// polled waits until a descriptor has the event, which must be one that poll(2) always reports;
// with a zero deadline it does not wait.
func polled(fd int, event int16, deadline time.Time) bool {
	for {
		patience := 0
		if !deadline.IsZero() {
			patience = int(max(0, time.Until(deadline).Milliseconds()))
		}
		fds := []unix.PollFd{{Fd: int32(fd)}}
		_, err := unix.Poll(fds, patience)
		if err == unix.EINTR {
			continue
		}
		return err == nil && fds[0].Revents&event != 0
	}
}
