package stream

import (
	"errors"
	"fmt"
	"io/fs"
	"sluice/core/worker"
	"time"
)

// rotate moves the live file, which is size bytes long, into the series and opens
// a new one. Where it ends in the middle of a line that did not begin with the
// file, the beginning of that line goes to the new file.
//
// The account is saved before the first step and describes both outcomes, so that
// a kill at any step leaves it exact (see resumeAccount).
func (s *Stream) rotate(t *worker.Thread, now time.Time, size int64) error {
	carried, err := s.carryable(size)
	if err != nil {
		return err
	}
	s.noteAccount(now, size, carried)
	if err := t.AsHost(func() error { return s.Save(s.Record) }); err != nil {
		// The series stays exact; only an account read after a kill would not be.
		s.Log.Error("cannot save the account of the stream", "error", err)
	}
	if carried > 0 {
		if err := s.carry(size-carried, size); err != nil {
			return err
		}
	}
	return s.replace(now)
}

// carryable is how many bytes at the end of the live file are the beginning of a line
// that goes to the next one. A file over its limit was made so by somebody else, who
// can extend it to any length at no cost: it is not searched.
func (s *Stream) carryable(size int64) (int64, error) {
	if size > s.limit {
		return 0, nil
	}
	start, err := s.lineStart(size)
	if err != nil || start == 0 {
		return 0, err
	}
	return size - start, nil
}

// Tend has the next Visit do what the clock asks for. It may be called at any time.
func (s *Stream) Tend() { s.tending.Store(true) }

// tend removes rotated files over their age and rotates if a period of the policy is
// over, whether or not anything is written.
func (s *Stream) tend(t *worker.Thread, now time.Time) error {
	if !s.tending.CompareAndSwap(true, false) || s.set == nil || s.gone {
		return nil
	}
	if err := s.set.Expire(now); err != nil {
		s.warn("cannot remove what is over its age", err)
	}
	last := time.Unix(0, max(s.Record.GetCreatedUnixNano(), s.lastRotation))
	if !s.set.Due(now, last) {
		return nil
	}
	return s.rotateByTime(t, now)
}

// rotateByTime rotates because a period is over. An empty file stays.
func (s *Stream) rotateByTime(t *worker.Thread, now time.Time) error {
	s.lastRotation = now.UnixNano()
	size, err := s.follow()
	if err != nil || size == 0 || s.gone {
		return err
	}
	return s.rotate(t, now, size)
}

// replace moves the live file into the series and opens the next. It can be
// repeated after an error at any step.
func (s *Stream) replace(now time.Time) error {
	present, err := s.livePresent()
	if err != nil {
		return err
	}
	if present {
		outcome, err := s.set.Rotate(now)
		s.account.impostors.Add(int64(outcome.Impostors))
		if err != nil {
			return err
		}
		s.account.rotations.Add(1)
		s.next = outcome.Live
		for _, problem := range outcome.Problems {
			s.account.rotationErrors.Add(1)
			s.warn("the rotation was finished, but not all of it went as the policy says", problem)
		}
	}
	// The old file is held open until here: its inode, by which the account knows
	// it, cannot be used again for the new one.
	old := s.live
	s.live = nil
	if old != nil {
		defer old.Close()
	}
	if err := s.adoptCarried(); err != nil {
		return err
	}
	return s.openLive()
}

// livePresent tells whether the live file still has its name. What has the name
// instead is moved aside; a live file that lost it is the task's.
func (s *Stream) livePresent() (bool, error) {
	info, err := s.Sandbox.Stat(s.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if info.Inode == s.liveInode && info.Mode.IsRegular() {
		return true, nil
	}
	return false, s.moveAside(s.Name, errors.New("not the file that was being written"))
}

// noteAccount puts the account into the record, as it is before a rotation.
func (s *Stream) noteAccount(now time.Time, size, carried int64) {
	a := s.Record.GetAccounting()
	a.WrittenBytes = s.account.writtenBytes.Load()
	a.DroppedBytes = s.account.droppedBytes.Load()
	a.DroppedLines = s.account.droppedLines.Load()
	a.Rotations = s.account.rotations.Load()
	a.LastRotationUnixNano = now.UnixNano()
	s.lastRotation = now.UnixNano()
	a.LiveInode, a.LiveStartBytes, a.CarriedBytes = s.liveInode, size, carried
}

// resumeAccount continues the account of the record. If the live file is still the
// one that the record tells of, what it has beyond live_start_bytes came after the
// record; else all of it did, but for what was carried over from the file before.
func (s *Stream) resumeAccount() error {
	a := s.Record.GetAccounting()
	written := a.GetWrittenBytes()
	if s.live != nil {
		size, err := s.follow()
		if err != nil {
			return fmt.Errorf("resume the account of %q: %w", s.Name, err)
		}
		if s.liveInode == a.GetLiveInode() {
			written += size - a.GetLiveStartBytes()
		} else if a.GetLiveInode() != 0 {
			written += size - a.GetCarriedBytes()
		} else {
			// The first live file: what it has already is not this stream's.
			a.LiveInode, a.LiveStartBytes = s.liveInode, size
		}
	}
	s.account.writtenBytes.Store(max(0, written))
	s.account.droppedBytes.Store(a.GetDroppedBytes())
	s.account.droppedLines.Store(a.GetDroppedLines())
	s.account.rotations.Store(a.GetRotations())
	s.lastRotation = a.GetLastRotationUnixNano()
	return nil
}
