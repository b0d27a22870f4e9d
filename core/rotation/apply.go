package rotation

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"golang.org/x/sys/unix"

	"sluice/core/sandbox"
	"sluice/core/seriesname"
)

// applyLocked carries out a plan. After an error it takes the renames back, so that the live
// file is under its own name; if even that fails, the next attempt begins with it. It gives
// the lock up while a script runs.
func (s *Set) applyLocked(steps []Step, out *Outcome) error {
	for i, step := range steps {
		err := s.applyOneLocked(step, out)
		if errors.Is(err, errStopped) {
			return err
		}
		if err != nil && !out.Rotated {
			if undo := s.takeBackLocked(steps[:i]); undo != nil {
				s.unfinished = true
				err = errors.Join(err, undo)
			}
			return fmt.Errorf("rotate %q: %w", s.cfg.Base, err)
		}
		if err != nil {
			out.Problems = append(out.Problems, err)
		}
	}
	return nil
}

// takeBackLocked undoes the renames of steps, the last one first.
func (s *Set) takeBackLocked(steps []Step) error {
	for _, step := range slices.Backward(steps) {
		var err error
		switch step.Op {
		case OpTake:
			err = s.dir.RenameNew(step.To, s.cfg.Dir, step.From)
		case OpShift:
			err = s.undoMoveLocked(step)
		case OpHold:
			err = s.restoreLocked(step.From)
		case OpNoteShift:
			err = s.dropNoteLocked(seriesname.ShiftNote(s.cfg.Base))
		case OpNoteRemoval:
			err = s.dropNoteLocked(seriesname.RemovalNote(s.cfg.Base))
		}
		if err != nil {
			return fmt.Errorf("take back %s: %w", step, err)
		}
	}
	return nil
}

func (s *Set) applyOneLocked(step Step, out *Outcome) error {
	var err error
	switch step.Op {
	case OpOwe:
		s.oweLocked(step.From, step.Inode)
	case OpNoteShift:
		s.leaveNoteLocked(seriesname.ShiftNote(s.cfg.Base), step.Note)
	case OpForgetShift:
		err = s.dropNoteLocked(seriesname.ShiftNote(s.cfg.Base))
	case OpNoteRemoval:
		s.leaveNoteLocked(seriesname.RemovalNote(s.cfg.Base), step.Note)
	case OpForgetRemoval:
		err = s.dropNoteLocked(seriesname.RemovalNote(s.cfg.Base))
	case OpDisplace, OpShift:
		err = s.shiftLocked(step)
	case OpHold:
		if err = s.holdLocked(step.From); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	case OpAside:
		err = s.clearLocked(step.From)
	case OpRemove:
		err = s.removeLocked(step, out)
	case OpRemoveLive:
		err = s.removeLive(s.cfg.Dir, step.From, step.SizeBytes, out)
	case OpRemoveTaken:
		err = s.removeLive(s.dir.Dir, seriesname.Taken(s.cfg.Base), step.SizeBytes, out)
	case OpTake:
		err = s.takeLocked(step)
	case OpPut:
		err = s.putLocked(step, out)
	case OpMove:
		err = s.moveLiveLocked(step, out)
	case OpScript:
		s.runScript(step, out)
	case OpCompress:
		err = s.compressInlineLocked(step.From, out)
	}
	if err != nil {
		return err
	}
	return s.killed("%s", step)
}

// shiftLocked renames within the series. It is no error if the file is gone.
func (s *Set) shiftLocked(step Step) error {
	err := s.overLocked(step.To, func() error { return s.dir.Rename(step.From, s.dir.Dir, step.To) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		s.renamedLocked(step.From, step.To)
	}
	return err
}

// clearings is how often to move aside what stands in the way of a name of ours, if a task
// keeps putting it back before the next system call.
const clearings = 16

// overLocked calls act, which gives a name of ours to a file. A directory that bears that name
// cannot be replaced, and is moved aside first.
func (s *Set) overLocked(name string, act func() error) error {
	for range clearings {
		err := act()
		if !blocked(err) {
			return err
		}
		if err := s.clearLocked(name); err != nil {
			return err
		}
	}
	return act()
}

// blocked says that a file could not get a name because of what bears it.
func blocked(err error) bool {
	return errors.Is(err, unix.EISDIR) || errors.Is(err, unix.ENOTDIR) ||
		errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST)
}

// clearLocked moves aside what bears a name of ours in the directory of the series.
func (s *Set) clearLocked(name string) error {
	err := s.aside(s.dir.Dir, name)
	if err == nil {
		s.removedLocked(name)
	}
	return err
}

// aside moves away what bears a name of ours in dir, if anything does, and counts it.
func (s *Set) aside(dir *sandbox.Dir, name string) error {
	_, err := dir.MoveAside(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		s.impostors++
	}
	return err
}

// removeLocked disposes of a rotated file. A file that it cannot remove is a problem, but no
// reason to keep the live file where it is.
func (s *Set) removeLocked(step Step, out *Outcome) error {
	if text := s.cfg.Policy.Scripts.PreRemove; text != "" {
		if _, err := s.dir.Stat(step.From); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		s.runScript(Step{Op: OpScript, Script: "preremove", From: step.From}, out)
	}
	err := s.unlinkLocked(step.From)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil && !errors.Is(err, errStopped):
		out.Problems = append(out.Problems, err)
		return nil
	}
	out.Removed++
	out.RemovedBytes += s.within(step.SizeBytes)
	return err
}

// unlinkLocked removes a file of the series and what belongs to it.
func (s *Set) unlinkLocked(name string) error {
	if err := s.dir.Unlink(name); err != nil {
		return err
	}
	s.removedLocked(name)
	return nil
}

func (s *Set) removeLive(dir *sandbox.Dir, name string, sizeBytes int64, out *Outcome) error {
	err := dir.Unlink(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	out.Rotated = true
	out.Removed++
	out.RemovedBytes += s.within(sizeBytes)
	return nil
}

// moveLiveLocked makes the live file the youngest of the series.
func (s *Set) moveLiveLocked(step Step, out *Outcome) error {
	err := s.takeLocked(step)
	if err == nil {
		s.rotatedToLocked(step, out)
	}
	return err
}

func (s *Set) takeLocked(step Step) error {
	return s.overLocked(step.To, func() error { return s.leaveLiveLocked(step) })
}

// putLocked gives the file that was taken its place in the series.
func (s *Set) putLocked(step Step, out *Outcome) error {
	taken := seriesname.Taken(s.cfg.Base)
	err := s.overLocked(step.To, func() error { return s.dir.Rename(taken, s.dir.Dir, step.To) })
	if err == nil {
		s.rotatedToLocked(step, out)
	}
	return err
}

// errVanished says that the live file lost its name after the rotation had begun.
var errVanished = errors.New("the live file vanished")

// leaveLiveLocked renames the live file into the directory of the series. If the task has taken
// the directory away it makes a new one, again and again for a few times.
func (s *Set) leaveLiveLocked(step Step) error {
	for attempt := 0; ; attempt++ {
		err := s.cfg.Dir.Rename(step.From, s.dir.Dir, step.To)
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if _, missing := s.cfg.Dir.Stat(step.From); errors.Is(missing, fs.ErrNotExist) {
			return errVanished
		}
		if s.cfg.Policy.OldDir == "" {
			return err // the sandbox itself is gone
		}
		if reopen := s.reopenOldDirLocked(step, attempt >= contested); attempt == clearings {
			return errors.Join(err, reopen)
		}
	}
}

// rotatedToLocked notes that the live file is in the series.
func (s *Set) rotatedToLocked(step Step, out *Outcome) {
	out.Rotated, out.Name = true, step.To
	if s.listing.files != nil {
		if info, err := s.dir.Stat(step.To); err == nil {
			s.addedLocked(info)
		}
	}
}
