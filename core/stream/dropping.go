package stream

import (
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/pump"
	"sluice/core/shortage"
	"sluice/core/worker"
	sluicepb "sluice/proto"
)

// A loss is output that was dropped between two bytes that were written. It is in the
// record from before the first byte is dropped until a mark in the log tells of it.
//
// Whole lines are dropped: a loss that begins within a line takes the end of that line
// too, and one that ends does so at the start of a line.

const (
	// roomBytes is what must be free before a loss ends, or what is left of the live
	// file's limit: the slack of a last block would else be filled with marks.
	roomBytes = 64 << 10
)

// beginLoss begins to drop. Where the state directory cannot hold the account the
// container waits: nothing is dropped that is not counted.
func (s *Stream) beginLoss(t *worker.Thread, now time.Time, step string, why error) Next {
	cause, number := causeOf(why)
	withinLine, err := s.withinLine(cause)
	if s.outlived(err) {
		return Next{Busy: true}
	}
	if err != nil {
		return s.short(step, err)
	}
	gap := &sluicepb.Gap{
		SinceUnixNano: now.UnixNano(),
		Cause:         sluicepb.Cause(cause),
		ErrorNumber:   number,
		WithinLine:    withinLine,
	}
	err = s.loss.spill.open(t, s.Keeper)
	if err == nil {
		err = s.saveGap(t, gap)
	}
	if err != nil {
		s.loss.spill.close()
		return s.uncounted(err)
	}
	s.loss.begin(gap, now.Add(s.Retry))
	s.backoff.since = time.Time{}
	s.enter(dropping)
	s.shown.blocked.Store(false)
	if held, ok := s.reports.losses.Allow(s.Now()); ok {
		s.Log.Error("cannot "+step+"; the container's output is dropped and counted until that works again",
			"error", why, "held_back", held)
	}
	return Next{Busy: true}
}

// withinLine tells whether the next byte in the pipe belongs to a line that has begun
// in a file. Where that cannot be told it does: then a line more is dropped. Only a
// shortage is an error, and a sandbox that is gone.
func (s *Stream) withinLine(cause Cause) (bool, error) {
	if cause == Panic || s.series.carried != "" || !s.opened {
		return true, nil // the stream's own state is not to be relied on
	}
	size, err := s.follow()
	if err == nil {
		var torn bool
		if torn, err = s.torn(size); err == nil {
			return torn, nil
		}
	}
	if shortage.Is(err) || errors.Is(err, errSandboxGone) {
		return true, err
	}
	return true, nil
}

// torn tells whether the live file, which is size bytes long, ends within a line.
func (s *Stream) torn(size int64) (bool, error) {
	if size == 0 {
		return s.Record.GetAccounting().GetContinuesLine(), nil
	}
	var last [1]byte
	if _, err := s.live.file.ReadAt(last[:], size-1); err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("read the end of %q: %w", s.Name, err)
	}
	return last[0] != '\n', nil
}

// uncounted asks for patience where the account of a loss cannot be kept.
func (s *Stream) uncounted(err error) Next {
	if shortage.Is(err) {
		return s.short("count what would be dropped", err)
	}
	s.shown.blocked.Store(true)
	if held, ok := s.reports.problems.Allow(s.Now()); ok {
		s.Log.Error("what would be dropped cannot be counted, so the container's output waits in its pipe; make room in state_dir",
			"error", err, "held_back", held)
	}
	return Next{After: s.Retry, Backoff: true}
}

// serviceLoss drops what has come. Every second it tries to write again.
func (s *Stream) serviceLoss(t *worker.Thread, refused error, now time.Time, wished time.Duration) Next {
	try := refused == nil && !s.givenUp && !now.Before(s.loss.tryAt)
	if try && s.misplaced(t) {
		return Next{Commands: true}
	}
	elapsed := now.Sub(s.flow.last)
	s.flow.last = now
	if try {
		err := s.endLoss(t, now)
		if shortage.Is(err) {
			return s.short("write "+s.Name, err) // perhaps that works again
		}
		if err != nil && !s.outlived(err) {
			s.account.writeErrors.Add(1)
			s.loss.tryAt = now.Add(s.Retry)
			if next, ok := s.evict(t, now, err); ok {
				s.loss.tryAt = now.Add(next.After)
			}
		}
		if s.phase != dropping {
			return Next{Busy: true}
		}
	}
	budget := s.flow.rate.allowance(now)
	if budget == 0 {
		return Next{After: s.flow.rate.wait(), Backoff: true}
	}
	n, err := s.lose(t, budget)
	s.flow.rate.spend(n)
	switch {
	case errors.Is(err, io.EOF):
		return s.finishLoss(t, now)
	case err != nil && !errors.Is(err, pump.ErrEmpty):
		return s.uncounted(err)
	case n == 0:
		return Next{After: s.loss.silent(), Backoff: true}
	}
	s.loss.pause = 0
	s.shown.blocked.Store(false)
	next := s.pause(n, elapsed, wished)
	// The clock has to bring the stream back also where nothing comes any more.
	next.Backoff = next.After > 0
	return next
}

// endLoss tries to write again: where there is room, the loss's last line is dropped to
// its end and the mark written. The phase is another once the loss is closed; it is not, without
// an error, where the end of the line has not come yet.
func (s *Stream) endLoss(t *worker.Thread, now time.Time) error {
	// A mark tells of all that has left the pipe.
	if err := s.countSpilled(t); err != nil {
		return err
	}
	if !s.opened {
		if err := s.Open(t, false); err != nil {
			return fmt.Errorf("open %s: %w", s.Name, err)
		}
		if s.phase != dropping {
			return nil // a mark that was there already told of it, or there is no place for one
		}
	}
	size, err := s.markable(t, now)
	if err != nil || s.phase != dropping {
		return err
	}
	if err := s.probe(size); err != nil {
		return err
	}
	if !s.loss.nothing() {
		if ready, err := s.loseLine(t); err != nil || !ready {
			return err
		}
		if err := s.writeMark(t, now, size); err != nil {
			return err
		}
	}
	s.closeLoss()
	return nil
}

// markable gives the length of the live file, which is rotated first where the mark
// would not fit.
func (s *Stream) markable(t *worker.Thread, now time.Time) (size int64, err error) {
	// A line that was begun moves to the next file, and where it is so long that the
	// mark still does not fit, that file is rotated too.
	for range 3 {
		if err := s.finishCarry(now); err != nil {
			return 0, s.unrotated(err)
		}
		size, err = s.follow()
		if err != nil {
			return size, err
		}
		if size, err = s.unmark(size); err != nil || s.limit-size >= maxMarkBytes {
			return size, err
		}
		if s.Settings.FirstBytes > 0 {
			return size, s.endFirst(t, size)
		}
		if err := s.rotate(t, now, size); err != nil {
			return size, s.unrotated(err)
		}
	}
	return size, fmt.Errorf("no room for a mark in %q", s.Name)
}

// probe tells whether there is room for more than a mark, by reserving it: where the
// file system cannot do that, writing the mark has to tell.
func (s *Stream) probe(size int64) error {
	for {
		err := unix.Fallocate(s.live.fd, unix.FALLOC_FL_KEEP_SIZE, size, min(roomBytes, s.limit-size))
		switch err {
		case unix.EINTR:
			continue
		case unix.EOPNOTSUPP, unix.ENOSYS, unix.EINVAL, unix.EPERM:
			return nil
		}
		return err
	}
}

// loseLine drops the rest of a line whose beginning was dropped, or is in the file; it
// reports false where its end has not come yet.
func (s *Stream) loseLine(t *worker.Thread) (ready bool, err error) {
	if !s.loss.gap.GetWithinLine() {
		return true, nil
	}
	count, _, err := s.scratch.FirstLine(s.Pipe, spillBytes)
	switch {
	case errors.Is(err, io.EOF):
		return true, nil // it will not come
	case errors.Is(err, pump.ErrEmpty):
		return false, nil
	case err != nil:
		return false, err
	}
	if _, err := s.lose(t, count); err != nil {
		return false, err
	}
	return !s.loss.gap.GetWithinLine(), nil
}

// closeLoss ends a loss.
func (s *Stream) closeLoss() {
	if !s.loss.gap.GetUnknown() {
		s.Log.Warn("writing works again", "lost_bytes", s.loss.gap.GetBytes(), "lost_lines", s.loss.gap.GetLines(), "cause", reason(s.loss.gap))
	}
	s.backoff.told = false
	s.loss.end()
	s.forgetGap()
	s.enter(serving)
	s.recovered(s.Now())
}

// finishLoss ends a stream whose container has ended within a loss: its mark is waited
// for, at growing intervals, as long as its sandbox is there.
func (s *Stream) finishLoss(t *worker.Thread, now time.Time) Next {
	pause, late := s.loss.ended(now)
	if s.loss.nothing() && s.owesUnattended() {
		return s.beginUnattended(now)
	}
	if s.loss.nothing() || s.Sandbox.Removed() {
		return s.finish(t)
	}
	if s.givenUp || late {
		s.Log.Error("the container has ended, and what was lost of its output could not be marked in the log",
			"lost_bytes", s.loss.gap.GetBytes(), "lost_lines", s.loss.gap.GetLines(), "cause", reason(s.loss.gap))
		return s.finish(t)
	}
	return Next{After: pause, Backoff: true}
}
