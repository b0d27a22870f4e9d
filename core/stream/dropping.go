package stream

import (
	"errors"
	"fmt"
	"io"
	"time"

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
		if err := s.tryToEndLoss(t, now); shortage.Is(err) {
			return s.short("write "+s.Name, err) // perhaps that works again
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
