package rotation

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"sluice/core/sandbox"
)

// defaultOldDirMode is the mode of a directory that createolddir makes.
const defaultOldDirMode os.FileMode = 0o755

// openSeries opens the directory of the rotated files, in any case as a handle of its own.
func (s *Set) openSeries() (*sandbox.Dir, error) {
	olddir := s.cfg.Policy.OldDir
	if olddir == "" {
		return s.cfg.Dir.Sub(".")
	}
	dir, err := s.cfg.Dir.Sub(olddir)
	switch {
	case s.cfg.HasPast && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, sandbox.ErrNotDirectory)):
		dir, err = s.makeDirs(olddir, true)
	case errors.Is(err, fs.ErrNotExist) && s.cfg.Policy.CreateOldDir.On:
		dir, err = s.makeDirs(olddir, false)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("olddir %q does not exist in the sandbox; expected a directory, or createolddir: %w", olddir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("olddir %q: expected a directory beneath the sandbox that no link leads to: %w", olddir, err)
	}
	if dir.Device() != s.cfg.Dir.Device() {
		_ = dir.Close()
		return nil, fmt.Errorf("olddir %q is on another device than the sandbox; expected one that files can be renamed into", olddir)
	}
	return dir, nil
}

// makeDirs makes a directory beneath the sandbox, with those above it that are missing. With
// force it moves aside what stands in their place.
func (s *Set) makeDirs(path string, force bool) (*sandbox.Dir, error) {
	at, err := s.cfg.Dir.Sub(".")
	if err != nil || path == "." {
		return at, err
	}
	for _, name := range strings.Split(path, "/") {
		next, err := s.makeOne(at, name, force)
		_ = at.Close()
		if err != nil {
			return nil, err
		}
		at = next
	}
	return at, nil
}

func (s *Set) makeOne(at *sandbox.Dir, name string, force bool) (*sandbox.Dir, error) {
	next, err := at.Sub(name)
	if err == nil {
		return next, nil
	}
	if errors.Is(err, sandbox.ErrNotDirectory) && force {
		if err := s.aside(at, name); err != nil {
			return nil, err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	mode := defaultOldDirMode
	if s.cfg.Policy.CreateOldDir.ModeSet {
		mode = s.cfg.Policy.CreateOldDir.Mode
	}
	if err := at.Mkdir(name, mode); err != nil {
		return nil, err
	}
	if next, err = at.Sub(name); err != nil {
		return nil, err
	}
	s.giveOldDir(next, name)
	return next, nil
}

// giveOldDir gives a directory to the owner that createolddir names. If the task's user may not
// give it away, it stays the user's own, with a warning: no reason to do without a log.
func (s *Set) giveOldDir(dir *sandbox.Dir, name string) {
	o, c := s.owners.olddir, s.cfg.Policy.CreateOldDir
	if o.uid < 0 && o.gid < 0 {
		return
	}
	if err := dir.SetOwner(o.uid, o.gid); err != nil {
		s.cfg.Log.Warn("the directory of the rotated files stays the task's user's own: createolddir cannot give it away",
			"olddir", s.cfg.Policy.OldDir, "directory", name, "owner", c.Owner, "group", c.Group, "error", err)
	}
}

// reopenOldDirLocked makes a new directory for the rotated files after the task has taken it
// away: the live file must go somewhere. What was owed there is gone with it, except the
// compression of the live file, which move is about. sheltered asks for a name that the task
// cannot know.
func (s *Set) reopenOldDirLocked(move Step, sheltered bool) error {
	s.shelter = ""
	anew := func() (*sandbox.Dir, error) { return s.makeDirs(s.cfg.Policy.OldDir, true) }
	if sheltered {
		anew = s.makeShelterLocked
	}
	dir, err := anew()
	if err != nil {
		return fmt.Errorf("make olddir %q again: %w", s.cfg.Policy.OldDir, err)
	}
	_ = s.leave(s.dir)
	s.dir = &directory{Dir: dir}
	pending := s.jobs[move.To] != nil
	for name, j := range s.jobs {
		j.stage.become(gone)
		delete(s.jobs, name)
	}
	if pending {
		s.oweLocked(move.To, move.Inode)
	}
	clear(s.held)
	s.listing.forget()
	return nil
}
