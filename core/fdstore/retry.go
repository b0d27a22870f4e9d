package fdstore

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/shortage"
)

const (
	// The pauses between tries double between these; a full queue empties soon.
	retrySoon    = 5 * time.Millisecond
	retryQueue   = time.Second
	retryFailing = time.Minute
	// behind is how long descriptors may wait for a busy manager before that is reported.
	behind = 10 * time.Second
	// goodbye is how long an owner that ends waits for a full queue.
	goodbye = time.Second
)

// laterLocked schedules another try, and reports what no try is likely to mend.
func (s *Store) laterLocked(err error) {
	if s.timer != nil || s.guard == nil {
		return
	}
	now := time.Now()
	if s.since.IsZero() {
		s.since = now
	}
	longest := retryFailing
	if shortage.Is(err) || errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.ETOOMANYREFS) {
		longest = retryQueue
	}
	if longest == retryFailing || now.Sub(s.since) > behind {
		s.failLocked(err)
	}
	s.pause = min(s.pause, longest)
	s.timer = s.guard.AfterFunc(s.pause, "tell the service manager of descriptors", s.tryAgain)
	s.pause = min(2*s.pause, longest)
}

func (s *Store) failLocked(err error) {
	if _, ok := s.warned.Allow(time.Now()); ok && s.owner != nil {
		s.owner.NotStored(len(s.waiting), err)
	}
}

// warnOfLimitLocked warns if there is more to keep than the manager takes, which drops the rest
// without a word. Managers tell their limit from systemd 254 on.
func (s *Store) warnOfLimitLocked() {
	most, err := strconv.Atoi(os.Getenv("FDSTORE"))
	if err == nil && len(s.pipes) > most {
		s.failLocked(fmt.Errorf("the unit has FileDescriptorStoreMax=%d, expected at least %d", most, len(s.pipes)))
	}
}

// tryAgain tells the manager what waits.
func (s *Store) tryAgain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer = nil
	if err := s.flushLocked(); err != nil {
		s.laterLocked(err)
	}
}

// flushLocked tells the manager what waits, until something fails.
func (s *Store) flushLocked() error {
	for id := range s.waiting {
		err := s.reconcileLocked(id, notOpen)
		if err != nil && !errors.Is(err, errNoPipe) {
			return err
		}
		if err != nil {
			delete(s.pipes, id)
		}
		delete(s.waiting, id)
		s.pause = retrySoon
	}
	s.since = time.Time{}
	if !s.owned {
		s.closeSocketLocked()
	}
	return nil
}

// hasUnsent tells the manager what waits, and says whether the queue was full before all pipes
// were sent.
func (s *Store) hasUnsent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !shortage.Is(s.flushLocked()) {
		return false
	}
	for id := range s.waiting {
		if s.pipes[id].wanted {
			return true
		}
	}
	return false
}
