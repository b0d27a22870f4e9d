package rotation

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice/core/sandbox"
	"sluice/core/seriesname"
)

// Recover finishes what an earlier process left: it takes back half a shift, removes what had
// to be removed, sweeps unfinished output, removes plain files whose compressed form is
// complete, and submits the compressions that are owed. All that it needs to know is in the
// directory. What it finds there may be the task's doing: at worst it compresses the task's own
// files, or renames them within the series.
//
// Call it before the first Rotate of a Set whose series may have a past. now is the clock for
// maxage. Even after an error the Set can be used: the next Rotate begins with what is left.
func (s *Set) Recover(now time.Time) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == nil {
		return fmt.Errorf("recover %q: %w", s.cfg.Base, fs.ErrClosed)
	}
	err := s.resumeLocked()
	s.unfinished = err != nil
	for _, step := range []func() error{s.trimDatesLocked, func() error { return s.expireLocked(now) }, s.recountLocked} {
		if errors.Is(err, errStopped) {
			break
		}
		err = errors.Join(err, step())
	}
	if errors.Is(err, errStopped) {
		return err
	}
	s.submitAllLocked()
	if err != nil {
		return fmt.Errorf("recover %q: %w", s.cfg.Base, err)
	}
	return nil
}

// sweepLocked goes through the reserved names: unfinished output goes, marks become jobs.
func (s *Set) sweepLocked() error {
	reserved := 0
	found, err := s.listDirLocked(func(name string) bool {
		if !seriesname.Reserved(s.cfg.Base, name) {
			return false
		}
		reserved++
		return reserved <= maxReserved
	})
	if err != nil && !errors.Is(err, sandbox.ErrTooManyNames) {
		return err
	}
	marks := map[uint64]bool{}
	var held []string
	for _, info := range found {
		if name, ok := strings.CutPrefix(info.Name, seriesname.HeldPrefix(s.cfg.Base)); ok {
			held = append(held, name)
			continue
		}
		rest := strings.TrimPrefix(info.Name, seriesname.ReservedPrefix(s.cfg.Base))
		number, output := strings.CutSuffix(rest, ".out")
		inode, err := strconv.ParseUint(number, 10, 64)
		switch {
		case err != nil || s.workingLocked(inode) || info.Mode.IsDir():
		case output:
			err = s.dropNoteLocked(info.Name)
			if err == nil {
				err = s.killed("sweep %q", info.Name)
			}
			if err != nil {
				return err
			}
		default:
			marks[inode] = true
		}
	}
	if err := s.adoptLocked(marks); err != nil {
		return err
	}
	return s.settleLocked(held)
}

// maxReserved is how many reserved names one recovery looks at. The logger has fewer; a task can
// plant any number, and those beyond wait for the next recovery.
const maxReserved = 4096

// settleLocked gives held files their names back, unless these are still in use.
func (s *Set) settleLocked(held []string) error {
	for _, name := range held {
		if _, ours := s.scheme.Parse(name); !ours {
			continue
		}
		if s.jobs[name] != nil {
			s.held[name] = sandbox.Info{Name: name}
			continue
		}
		if err := s.restoreLocked(name); err != nil {
			return err
		}
	}
	return nil
}

// workingLocked says that this process itself is working on the file.
func (s *Set) workingLocked(inode uint64) bool {
	for _, j := range s.jobs {
		if j.inode == inode {
			return true
		}
	}
	return false
}

// adoptLocked makes jobs of the marked files, and removes marks whose file is gone.
func (s *Set) adoptLocked(marks map[uint64]bool) error {
	if len(marks) == 0 {
		return nil
	}
	files, err := s.lookLocked()
	if err != nil {
		return err
	}
	for name, info := range files {
		at, ok := s.scheme.Parse(name)
		if !ok || at.Compressed || !s.cfg.Policy.Compresses() || !marks[info.Inode] || !info.Mode.IsRegular() {
			continue
		}
		delete(marks, info.Inode)
		j := &job{inode: info.Inode, name: name}
		s.jobs[name] = j
		if s.publishedLocked(j) {
			j.stage.become(published)
			if err := s.retireLocked(j); errors.Is(err, errStopped) {
				return err
			}
		}
	}
	for inode := range marks {
		if err := s.dropNoteLocked(seriesname.Owed(s.cfg.Base, inode)); err != nil {
			return err
		}
	}
	return nil
}

// finishShiftLocked continues a rotation that broke off after it had taken the live file. The
// lowest free slot is the one that the last move left, or that the first was going to fill;
// what is below it still has to move.
func (s *Set) finishShiftLocked() error {
	taken, err := s.dir.Stat(seriesname.Taken(s.cfg.Base))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if s.scheme.Dated() || taken.Mode.IsDir() {
		return s.clearLocked(taken.Name)
	}
	files, err := s.lookLocked()
	if err != nil {
		return err
	}
	var out Outcome
	for _, step := range s.remainingMovesLocked(files) {
		if err := s.applyOneLocked(step, &out); err != nil {
			return err
		}
	}
	if files, err = s.lookLocked(); err != nil {
		return err
	}
	taken.Name = s.cfg.Base
	end := &planner{
		policy: s.cfg.Policy, scheme: s.scheme, now: s.cfg.Now(), live: taken, taken: true,
		files: maps.Clone(files), pending: s.pendingLocked(), held: maps.Clone(s.held),
		final: s.scheme.Slot(s.scheme.Start()),
	}
	end.moveLive()
	for _, step := range end.steps {
		if step.Op == OpOwe {
			s.oweLocked(step.From, step.Inode) // changes no name of the series
			continue
		}
		if err := s.applyOneLocked(step, &out); err != nil {
			return err
		}
	}
	return nil
}

// remainingMovesLocked shifts everything below the lowest free slot up by one, as far as the
// rotation would have: with rotate -1 up to the last file that there is, which is overwritten
// if numbers start at 0.
func (s *Set) remainingMovesLocked(files map[string]sandbox.Info) []Step {
	count := max(s.cfg.Policy.Rotate, 1)
	if s.cfg.Policy.Rotate < 0 {
		count = highest(s.scheme, files, s.pendingLocked())
	}
	var moves []Step
	for slot := s.scheme.Start(); slot < s.scheme.Start()+count; slot++ {
		plain := s.scheme.Slot(slot)
		name := s.scheme.Compressed(plain)
		if _, exists := files[name]; !exists {
			name = plain
		}
		info, exists := files[name]
		if at, _ := s.scheme.Parse(name); !exists || !s.belongsLocked(name, at) {
			break
		}
		to := s.scheme.Slot(slot+1) + strings.TrimPrefix(name, plain)
		moves = append(moves, Step{Op: OpShift, From: name, To: to, Inode: info.Inode})
	}
	slices.Reverse(moves)
	return moves
}

// trimDatesLocked removes the oldest dated files beyond the number to keep: a rotation moves
// the live file first if both have today's date.
func (s *Set) trimDatesLocked() error {
	keep := s.cfg.Policy.Rotate
	if !s.scheme.Dated() || keep <= 0 {
		return nil
	}
	files, err := s.filesLocked()
	if err != nil {
		return err
	}
	for _, f := range files[:max(0, len(files)-keep)] {
		if err := s.unlinkLocked(f.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := s.killed("trim %q", f.Name); err != nil {
			return err
		}
	}
	return nil
}

// recountLocked counts what the series takes, if anybody wants to know.
func (s *Set) recountLocked() error {
	if s.cfg.Kept == nil {
		return nil
	}
	_, err := s.filesLocked()
	return err
}
