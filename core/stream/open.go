package stream

import (
	"fmt"

	"sluice/core/rotation"
	"sluice/core/worker"
)

// A stream is open when it has its account from the record, its series and its live
// file. One that cannot be opened is one whose file cannot be written: its output waits in
// the pipe for full_wait, then on_full says what becomes of it, and each visit that would
// write tries to open it first. So whatever is in the way (a file system that is read-only
// for now, a sandbox without rights, something in the place of a name of ours), the stream
// goes on by itself when that is over, whether it comes while its owner lives or when one
// starts.

// Open opens the live file, or makes it, and finishes what a rotation that was
// interrupted still owes; fresh says that there was none. It runs with the identity of the task's user and may
// block for as long as the file system does. After an error visits try it again.
func (s *Stream) Open(t *worker.Thread, fresh bool) error {
	if s.phase == discarding {
		return nil
	}
	if err := s.resume(t); err != nil {
		return err
	}
	if s.Sandbox.Removed() {
		s.outlive()
		return nil
	}
	if err := s.Sandbox.Reached(); err != nil {
		return err
	}
	if err := s.openFiles(fresh); err != nil {
		s.closeLive()
		if s.outlived(err) {
			return nil
		}
		return err
	}
	s.opened = true
	s.shown.open.Store(s.live.file != nil)
	s.saveTaken(t)
	return nil
}

func (s *Stream) openFiles(fresh bool) error {
	s.closeLive()
	if err := s.openSeries(fresh); err != nil {
		return err
	}
	if err := s.openLive(); err != nil {
		return err
	}
	if err := s.resumeLive(); err != nil {
		return err
	}
	if err := s.resumeFirst(); err != nil {
		return err
	}
	s.openTimes(fresh)
	return nil
}

// openSeries makes the set of the rotated files anew, and finishes what was interrupted.
// What cannot be finished now the next rotation begins with; it holds nothing up.
func (s *Stream) openSeries(fresh bool) error {
	if s.series.set != nil {
		_ = s.series.set.Close()
		s.series.set = nil
	}
	config := s.Rotation
	config.HasPast = s.hasPast()
	set, err := rotation.New(config)
	if err != nil {
		return fmt.Errorf("prepare the rotation of %q: %w", s.Name, err)
	}
	s.series.set, s.series.next = set, set.Live()
	if fresh {
		return nil
	}
	if s.Former != nil {
		if err := s.series.set.Convert(*s.Former); err != nil {
			s.Log.Warn("files of the policy before this one stay as they are", "error", err)
		}
		s.Former = nil
	}
	if err := s.series.set.Recover(s.Now()); err != nil {
		s.account.rotationErrors.Add(1)
		s.warn("an interrupted rotation cannot be finished yet", err)
	}
	return s.recoverCarry()
}

// hasPast tells whether the stream had a live file already when it was last recorded: it
// is no launch, which may be refused.
func (s *Stream) hasPast() bool { return s.Record.GetAccounting().GetLiveInode() != 0 }

// resume goes on with what the record alone tells, once.
func (s *Stream) resume(t *worker.Thread) error {
	if s.phase != resuming {
		return nil
	}
	s.resumeAccount()
	if err := s.resumeLoss(t); err != nil {
		return err
	}
	if s.loss.gap != nil {
		s.enter(dropping)
	} else {
		s.enter(serving)
	}
	return nil
}

// Drain makes the stream one of which nothing can be kept: what comes is counted for
// cause and dropped until the container ends. Its sandbox is not looked at. It is called
// before the first visit.
func (s *Stream) Drain(cause Cause) { s.discard(cause) }
