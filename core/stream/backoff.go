package stream

import (
	"time"

	"sluice/core/settings"
	"sluice/core/shortage"
	"sluice/core/worker"
)

const (
	// retrySoon is the same as long as full_wait lasts.
	retrySoon = 200 * time.Millisecond
	// hangs is the shortest visit in which the disk is taken for one that hangs.
	hangs = time.Second
)

// backoff is about a stream that cannot go on: because writing fails, or the host runs short.
type backoff struct {
	since    time.Time      // when writing failed first; zero: it works, or there is a loss
	told     bool           // the log tells of that
	shortage shortage.Pause // until what the host was short of is looked for again
}

// room is the last rotated file that was removed to make room.
type room struct {
	madeAt       time.Time
	writtenBytes int64 // the account at that time
}

// failed decides what a failure leads to, and when to look again: first the stream's
// own history makes room, then the pipe holds the output back, then the policy says.
func (s *Stream) failed(t *worker.Thread, now time.Time, step string, err error) Next {
	if shortage.Is(err) {
		return s.short(step, err)
	}
	s.account.writeErrors.Add(1)
	if s.phase == discarding {
		return s.wait(step, err, s.Retry)
	}
	err = s.Sandbox.Explain(err)
	if next, ok := s.evict(t, now, err); ok {
		return next
	}
	if s.phase != backingOff {
		s.enter(backingOff)
		s.backoff.since = now
	}
	waited, full := now.Sub(s.backoff.since), s.Settings.WhenFull
	s.account.blockedFor(waited)
	if waited >= full.Wait && full.Policy == settings.Drop {
		return s.beginLoss(t, now, step, err)
	}
	pause := s.Retry
	if waited < full.Wait {
		pause = min(retrySoon, full.Wait-waited)
	}
	return s.wait(step, err, pause)
}

// wait leaves the output in its pipe until the next attempt.
func (s *Stream) wait(step string, err error, pause time.Duration) Next {
	s.shown.blocked.Store(true)
	if held, ok := s.reports.problems.Allow(s.Now()); ok {
		s.Log.Error("cannot "+step+"; the container's output waits in its pipe", "error", err, "held_back", held)
		s.backoff.told = true
	}
	return Next{After: pause, Backoff: true}
}

// short asks for patience where the host runs short of descriptors, memory or threads:
// the disk does not fail, so nothing is dropped for it, and the policy of failing writes
// is not asked.
func (s *Stream) short(step string, err error) Next {
	s.shown.blocked.Store(true)
	if held, ok := s.reports.problems.Allow(s.Now()); ok {
		s.Log.Error("cannot "+step+" now, because the host runs short; the container's output waits in its pipe", "error", err, "held_back", held)
	}
	return Next{After: s.backoff.shortage.Next(), Backoff: true}
}

// recovered notes that writing works.
func (s *Stream) recovered(now time.Time) {
	if !s.backoff.since.IsZero() {
		waited := now.Sub(s.backoff.since)
		if s.backoff.told && s.phase == backingOff { // of which nothing was lost: the end of a gap is told by itself
			s.Log.Warn("writing works again", "waited", waited.Round(time.Millisecond))
		}
		s.account.blockedFor(waited)
		s.backoff.since, s.backoff.told = time.Time{}, false
	}
	if s.phase == backingOff {
		s.enter(serving)
	}
	s.backoff.shortage = 0
	s.shown.blocked.Store(false)
}

// evict removes the oldest rotated file of the stream where a write found no room,
// and says when to try again; it reports false where that is not wanted, would not
// help, or nothing is left. Where the last file that went has brought nothing yet it
// waits a little before the next: some file systems free space only after a while
// (btrfs with a quota), and all of the history would go for nothing.
func (s *Stream) evict(t *worker.Thread, now time.Time, why error) (Next, bool) {
	cause, _ := causeOf(why)
	if !s.Settings.WhenFull.Evict || cause != NoSpace && cause != Quota || s.series.set == nil {
		return Next{}, false
	}
	written := s.account.writtenBytes.Load()
	if wait := retrySoon - now.Sub(s.room.madeAt); wait > 0 && written == s.room.writtenBytes && s.account.rotatedFiles.Load() > 0 {
		return Next{After: wait, Backoff: true}, true
	}
	sizeBytes, ok, err := s.series.set.DropOldest()
	if err != nil {
		s.warn("cannot make room by removing rotated files", err)
	}
	if !ok {
		return Next{}, false
	}
	s.room.madeAt, s.room.writtenBytes = now, written
	s.account.roomFiles.Add(1)
	s.account.roomBytes.Add(sizeBytes)
	if held, ok := s.reports.evictions.Allow(s.Now()); ok {
		s.Log.Warn("a rotated file was removed to make room (evict_on_full)", "bytes", sizeBytes, "error", why, "held_back", held)
	}
	if err := s.save(t); err != nil {
		s.warn("cannot save the account of the stream", err)
	}
	return Next{Busy: true}, true
}

// squeeze moves less than count bytes, which found no room as a whole, down to a page:
// a file system may refuse what would partly fit. It moves whole lines, so that what
// is dropped afterwards begins at a line if it can. why is what the whole met.
func (s *Stream) squeeze(size int64, count int, why error) (moved int, err error) {
	cause, _ := causeOf(why)
	if cause != NoSpace && cause != Quota {
		return 0, why
	}
	for count /= 2; count >= leastMoveBytes; count /= 2 {
		lines, _, err := s.scratch.WholeLines(s.Pipe, count)
		if err != nil || lines == 0 {
			break
		}
		if moved, err = s.scratch.Splice(s.Pipe, s.live.fd, size, lines); err == nil {
			return moved, nil
		}
	}
	return 0, why
}

// leastMoveBytes is the least that is tried.
const leastMoveBytes = 4 << 10

// heldUp is for how long the visit that is under way has been so already, where that
// is longer than a disk that works would take.
func (s *Stream) heldUp() time.Duration {
	began := s.shown.visiting.Load()
	if began == 0 {
		return 0
	}
	if d := time.Duration(s.age(s.Now()) - began); d > hangs {
		return d
	}
	return 0
}

// age is now by the monotonic clock, and not 0: a change of the wall clock in the middle
// of a visit is no disk that hangs.
func (s *Stream) age(now time.Time) int64 { return max(1, int64(now.Sub(s.made))) }

// Blocked tells that the container's output waits in its pipe: the last write or
// rotation failed, or the one that is under way hangs.
func (s *Stream) Blocked() bool { return s.shown.blocked.Load() || s.heldUp() > 0 }
