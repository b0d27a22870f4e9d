package rotation

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"path"

	"sluice/core/sandbox"
	"sluice/core/seriesname"
)

// A task can take the directory of the rotated files away faster than the logger can make it
// again under the name that the task knows. Then the logger makes a shelter, a directory under
// a name that nobody can know, so that the live file has somewhere to go. It gives the shelter
// the directory's name when that is free.

// contested is how many times to try to make olddir again before making a shelter.
const contested = 3

// makeShelterLocked makes a directory for the rotated files under a name of its own.
func (s *Set) makeShelterLocked() (*sandbox.Dir, error) {
	at, err := s.cfg.Dir.Sub(".")
	if err != nil {
		return nil, err
	}
	defer at.Close()
	s.shelter = seriesname.ReservedPrefix(s.cfg.Base) + "olddir." + rand.Text()
	return s.makeOne(at, s.shelter, false)
}

// leaveShelterLocked gives the directory its name, if it can; else the next rotation tries.
func (s *Set) leaveShelterLocked() {
	if s.shelter == "" {
		return
	}
	above, name := path.Split(s.cfg.Policy.OldDir)
	at, err := s.makeDirs(path.Clean(above), true)
	if err != nil {
		return
	}
	defer at.Close()
	for range clearings {
		err = s.cfg.Dir.RenameNew(s.shelter, at, name)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
		_ = s.aside(at, name)
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		s.shelter = ""
	}
}
