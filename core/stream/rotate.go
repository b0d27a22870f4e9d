package stream

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"sluice/core/rotation"
	"sluice/core/shortage"
	"sluice/core/worker"
)

// series are the files that were live before, and what is known of the rotation that is under
// way or was last.
type series struct {
	set     *rotation.Set     // nil before Open
	next    rotation.LiveFile // how to make the next live file
	carried string            // name of the file with the beginning of a line, or ""
	named   string            // what the last rotation made of the live file
	// replaced are the live files since the stream was opened.
	replaced int
	effort   effort
}

// rotate moves the live file, which is size bytes long, into the series and opens
// a new one. Where it ends in the middle of a line that did not begin with the
// file, the beginning of that line goes to the new file.
//
// Its five parts come in this order, and nowhere else: count the lines and note the account,
// save it, carry the beginning of the line over, replace the live file. The record is saved
// before the first step and describes both outcomes, so that a kill at any step leaves the
// account exact (see resumeLive).
func (s *Stream) rotate(t *worker.Thread, now time.Time, size int64) error {
	if !s.Settings.Policy.Scripts.Any() { // those compress amid the rotation
		began := processorTime()
		defer func() { s.series.effort.spend(processorTime()-began, now) }()
	}
	if s.series.carried != "" {
		// The rotation that is finished by this one has saved the account.
		return s.finishCarry(now)
	}
	carried, continues, err := s.carryable(size)
	if err != nil {
		return err
	}
	if err := s.saveRotation(t, now, size, carried, continues); err != nil {
		return err
	}
	if carried > 0 {
		if err := s.carry(size-carried, size); err != nil {
			return err
		}
	}
	return s.replace(now)
}

// carryable is how many bytes at the end of the live file are the beginning of a line
// that goes to the next one; continues says that the line goes on there instead, being
// longer than a file. A file over its limit was made so by somebody else, who can extend
// it to any length at no cost: it is not searched.
func (s *Stream) carryable(size int64) (carried int64, continues bool, err error) {
	if size > s.limit {
		continues, err = s.torn(size)
		return 0, continues, err
	}
	start, err := s.lineStart(size)
	if err != nil || start == 0 {
		return 0, err == nil && size > 0, err
	}
	return size - start, false, nil
}

// Tend has the next visit do what the clock asks for. It may be called at any time.
func (s *Stream) Tend() { s.asked.periodic.Store(true) }

// periodic removes rotated files over their age and rotates if a period of the policy is
// over, whether or not anything is written.
func (s *Stream) periodic(t *worker.Thread, now time.Time) error {
	if s.asked.periodic.Load() && s.misplaced(t) && s.series.set != nil && s.phase != discarding {
		return errMisplaced
	}
	if !s.asked.periodic.CompareAndSwap(true, false) || s.series.set == nil || s.phase == discarding {
		return nil
	}
	if err := s.series.set.Expire(now); err != nil {
		s.warn("cannot remove what is over its age", err)
	}
	last := s.LastRotation()
	if last.IsZero() {
		last = time.Unix(0, s.Record.GetCreatedUnixNano())
	}
	if !s.series.set.Due(now, last) {
		return nil
	}
	if now.Before(last) {
		s.Log.Warn("the last rotation is in the future, so the clock was wrong; a rotation is forced", "last", last)
	}
	return s.rotateByTime(t, now)
}

// rotateByTime rotates because a period is over. An empty file stays.
func (s *Stream) rotateByTime(t *worker.Thread, now time.Time) error {
	before := s.shown.lastRotation.Swap(now.UnixNano())
	size, err := s.follow()
	if err == nil && size > 0 {
		err = s.rotate(t, now, size)
	}
	if shortage.Is(err) {
		s.shown.lastRotation.Store(before)
		s.Tend()
	}
	return err
}

// unrotated counts a rotation that failed. One that waits for what the host is short of
// has not, nor one whose sandbox is gone.
func (s *Stream) unrotated(err error) error {
	if !shortage.Is(err) && !errors.Is(err, errSandboxGone) {
		s.account.rotationErrors.Add(1)
	}
	return fmt.Errorf("rotate: %w", err)
}

// replace moves the live file into the series and opens the next. It can be
// repeated after an error at any step.
func (s *Stream) replace(now time.Time) error {
	present, err := s.livePresent()
	if err != nil {
		return err
	}
	// The old file is held open until the new one is there: its inode, by which the
	// account knows it, cannot be used again for that.
	old, made := s.live.file, false
	defer func() {
		if old != nil && old != s.live.file {
			_ = old.Close()
		}
	}()
	if present {
		outcome, err := s.series.set.Rotate(now)
		s.countForeign(outcome.Impostors)
		if err != nil {
			return err
		}
		if outcome.Rotated {
			s.account.rotations.Add(1)
		}
		s.series.next, s.series.named, made = outcome.Live, outcome.Name, outcome.LiveMade
		for _, problem := range outcome.Problems {
			s.account.rotationErrors.Add(1)
			s.warn("the rotation was finished, but not all of it went as the policy says", problem)
		}
	}
	s.series.replaced++
	if made {
		return nil
	}
	return s.openNext()
}

// makeLive makes the next live file amid a rotation, for its scripts. The old one stays
// open, for replace to close.
func (s *Stream) makeLive(next rotation.LiveFile) error {
	s.series.next = next
	return s.openNext()
}

// openNext opens the next live file: with what was carried over, else a new one.
func (s *Stream) openNext() error {
	s.live.file, s.live.fd = nil, -1
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
	if info.Inode == s.live.inode && info.Mode.IsRegular() {
		return true, nil
	}
	return false, s.quarantine(s.Name, errors.New("not the file that was being written"))
}
