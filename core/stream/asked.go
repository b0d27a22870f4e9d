package stream

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"sluice/core/worker"
)

// asked is what other threads ask of the next visit.
type asked struct {
	save     atomic.Bool // SaveSoon was called
	periodic atomic.Bool // the clock asks (Tend)
	rotation atomic.Pointer[AskedRotation]
}

// AskedRotation is a rotation that somebody asked for, whatever the size of the file.
type AskedRotation struct {
	done chan RotatedNow
}

// RotatedNow is what became of it.
type RotatedNow struct {
	// Name that the live file got; empty where it was removed, as by rotate 0.
	Name string
	// Bytes of it. 0: there was nothing in it, and it stays.
	Bytes int64
	Err   error
}

var (
	errStreamEnded = errors.New("the stream has ended")
	errAskedTwice  = errors.New("somebody else has just asked for a rotation")
	errNotKept     = errors.New("what comes is dropped and counted; there is nothing to rotate")
	errNotOpen     = errors.New("its files cannot be opened now; what comes waits in the pipe")
	errFirstOnly   = errors.New("only the first bytes of the stream are kept; it is never rotated")
)

// AskRotation has the next visit rotate. The outcome comes on Done once, unless the
// asker takes the question back. It may be called at any time.
func (s *Stream) AskRotation() (*AskedRotation, error) {
	asked := &AskedRotation{done: make(chan RotatedNow, 1)}
	if !s.asked.rotation.CompareAndSwap(nil, asked) {
		return nil, errAskedTwice
	}
	return asked, nil
}

// Done gives the outcome.
func (a *AskedRotation) Done() <-chan RotatedNow { return a.done }

// TakeBack has no visit rotate that has not begun with it; it reports false where one
// has.
func (s *Stream) TakeBack(asked *AskedRotation) bool {
	return s.asked.rotation.CompareAndSwap(asked, nil)
}

// LastRotation is when the stream was rotated last, zero for never. It may be called at
// any time.
func (s *Stream) LastRotation() time.Time {
	at := s.shown.lastRotation.Load()
	if at == 0 {
		return time.Time{}
	}
	return time.Unix(0, at)
}

// rotateAsked answers a question, if there is one. refused is that of Service.
func (s *Stream) rotateAsked(t *worker.Thread, refused error, now time.Time) {
	asked := s.asked.rotation.Swap(nil)
	if asked == nil {
		return
	}
	// A fault in here is the visit's; who asked hears of it all the same.
	outcome := RotatedNow{Err: errFault}
	defer func() { asked.done <- outcome }()
	outcome = s.rotateNow(t, refused, now)
}

func (s *Stream) rotateNow(t *worker.Thread, refused error, now time.Time) RotatedNow {
	switch {
	case s.Over():
		return RotatedNow{Err: errStreamEnded}
	case s.phase == discarding, s.phase == dropping, s.givenUp:
		return RotatedNow{Err: errNotKept}
	case !s.opened:
		return RotatedNow{Err: errNotOpen}
	case s.Settings.FirstBytes > 0:
		return RotatedNow{Err: errFirstOnly}
	case refused != nil:
		return RotatedNow{Err: fmt.Errorf("act as the task's user: %w", refused)}
	}
	size, err := s.follow()
	if s.outlived(err) {
		return RotatedNow{Err: errNotKept}
	}
	if err != nil || size == 0 {
		return RotatedNow{Err: err}
	}
	before, unfinished := s.account.rotations.Load(), s.series.carried != ""
	err = s.rotate(t, now, size)
	if s.outlived(err) {
		return RotatedNow{Err: errNotKept}
	}
	if err != nil {
		_ = s.unrotated(err)
	}
	if s.account.rotations.Load() == before {
		return RotatedNow{Err: err}
	}
	if !unfinished {
		size -= s.Record.GetAccounting().GetCarriedBytes()
	}
	return RotatedNow{Name: s.series.named, Bytes: size, Err: err}
}

// refuseRotation answers a question that no visit will.
func (s *Stream) refuseRotation(why error) {
	if asked := s.asked.rotation.Swap(nil); asked != nil {
		asked.done <- RotatedNow{Err: why}
	}
}
