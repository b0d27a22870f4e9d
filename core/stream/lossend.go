package stream

import (
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/logformat"
	"sluice/core/pump"
	"sluice/core/shortage"
	"sluice/core/worker"
)

// roomBytes is what must be free before a loss ends, or what is left of the live
// file's limit: the slack of a last block would else be filled with marks.
const roomBytes = 64 << 10

// tryToEndLoss tries to write again, and where that fails says when to try next. Only a
// shortage is an error.
func (s *Stream) tryToEndLoss(t *worker.Thread, now time.Time) error {
	err := s.endLoss(t, now)
	if err == nil || s.outlived(err) {
		return nil
	}
	if shortage.Is(err) {
		return err
	}
	s.account.writeErrors.Add(1)
	s.loss.tryAt = now.Add(s.Retry)
	if next, ok := s.evict(t, now, err); ok {
		s.loss.tryAt = now.Add(next.After)
	}
	return nil
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
		if size, err = s.unmark(size); err != nil || s.limit-size >= logformat.MaxMarkBytes {
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
