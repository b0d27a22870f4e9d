package rotation

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"sluice/core/sandbox"
)

// Recover finishes what an earlier process left: it takes back half a shift, removes
// what was to be removed, sweeps unfinished output, removes plain files whose
// compressed form is complete, and submits the compressions that are owed. What it
// needs to know is in the directory; what it finds there may be the task's doing, so
// that at worst the task's own files are compressed or renamed within the series.
//
// Call it before the first Rotate of a Set whose series may have a past. now is the
// clock for maxage.
func (s *Set) Recover(now time.Time) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == nil {
		return fmt.Errorf("recover %q: %w", s.cfg.Base, fs.ErrClosed)
	}
	if err := s.recoverSeries(now); err != nil {
		s.unfinished = true
		return fmt.Errorf("recover %q: %w", s.cfg.Base, err)
	}
	return nil
}

func (s *Set) recoverSeries(now time.Time) error {
	if err := s.resume(); err != nil {
		return err
	}
	if err := s.sweep(); err != nil {
		return err
	}
	if err := s.expire(now); err != nil {
		return err
	}
	s.submitAll()
	return nil
}

// sweep goes through the reserved names: unfinished output goes, marks become jobs.
func (s *Set) sweep() error {
	found, err := s.dir.List(maxNames, func(name string) bool { return Reserved(s.cfg.Base, name) })
	if err != nil && !errors.Is(err, sandbox.ErrTooManyNames) {
		return err
	}
	marks := map[uint64]bool{}
	var held []string
	for _, info := range found {
		if name, ok := strings.CutPrefix(info.Name, heldPrefix(s.cfg.Base)); ok {
			held = append(held, name)
			continue
		}
		rest := strings.TrimPrefix(info.Name, reservedPrefix(s.cfg.Base))
		number, output := strings.CutSuffix(rest, ".out")
		inode, err := strconv.ParseUint(number, 10, 64)
		switch {
		case err != nil || s.working(inode) || info.Mode.IsDir():
		case output:
			err = s.dropNote(info.Name)
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
	if err := s.adopt(marks); err != nil {
		return err
	}
	return s.settle(held)
}

// settle gives held files their names back, unless the name is still in use.
func (s *Set) settle(held []string) error {
	for _, name := range held {
		if _, ours := s.scheme.place(name); !ours {
			continue
		}
		if s.jobs[name] != nil {
			s.held[name] = sandbox.Info{Name: name}
			continue
		}
		if err := s.restore(name); err != nil {
			return err
		}
	}
	return nil
}

// working says that this process itself is at the file.
func (s *Set) working(inode uint64) bool {
	for _, j := range s.jobs {
		if j.inode == inode {
			return true
		}
	}
	return false
}

// adopt makes jobs of the marked files, and removes marks whose file is gone.
func (s *Set) adopt(marks map[uint64]bool) error {
	if len(marks) == 0 {
		return nil
	}
	files, err := s.look()
	if err != nil {
		return err
	}
	for name, info := range files {
		at, ok := s.scheme.place(name)
		if !ok || at.compressed || s.scheme.cext == "" || !marks[info.Inode] {
			continue
		}
		delete(marks, info.Inode)
		j := &job{inode: info.Inode, name: name}
		s.jobs[name] = j
		if s.published(j) {
			if err := s.retire(j); err != nil {
				return err
			}
		}
	}
	for inode := range marks {
		if err := s.dropNote(markName(s.cfg.Base, inode)); err != nil {
			return err
		}
	}
	return nil
}
