package rotation

import (
	"errors"
	"io/fs"
	"maps"
	"time"

	"sluice/core/sandbox"
	"sluice/core/seriesname"
)

const (
	// maxProbes is how many slots are looked at one by one; a longer series is listed. A
	// listing has to go through all files in the sandbox, which may be a million.
	maxProbes = 64
	// maxNames is how many names of a directory one listing looks at.
	maxNames = 1 << 20
	// manyNames in the directory make a listing so expensive that it is made only every
	// listingLife, and not before listingRest times as long as it took; in between the Set
	// relies on its own changes.
	manyNames   = 4096
	listingLife = 10 * time.Second
	listingRest = 100
)

// listing is the series as last seen, updated by our own changes.
type listing struct {
	files map[string]sandbox.Info
	names int
	until time.Time
}

func (l *listing) forget() { *l = listing{} }

// lookLocked finds the files of the series.
func (s *Set) lookLocked() (map[string]sandbox.Info, error) {
	if !s.scheme.Dated() && s.cfg.Policy.Rotate >= 0 && s.cfg.Policy.Rotate <= maxProbes {
		return s.probeLocked()
	}
	return s.listLocked()
}

// probeLocked asks for every name that the numbered series can have.
func (s *Set) probeLocked() (map[string]sandbox.Info, error) {
	files := map[string]sandbox.Info{}
	top := s.scheme.Start() + max(s.cfg.Policy.Rotate, 1)
	for slot := s.scheme.Start(); slot <= top; slot++ {
		plain := s.scheme.Slot(slot)
		if err := s.probeOneLocked(files, plain); err != nil {
			return nil, err
		}
		if s.scheme.CompressExt() == "" {
			continue
		}
		if err := s.probeOneLocked(files, plain+s.scheme.CompressExt()); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func (s *Set) probeOneLocked(files map[string]sandbox.Info, name string) error {
	info, err := s.dir.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	files[name] = info
	return nil
}

// listDirLocked lists the directory of the series. If the task has removed it the list is empty;
// the next rotation makes it again.
func (s *Set) listDirLocked(want func(name string) bool) ([]sandbox.Info, error) {
	found, err := s.dir.List(maxNames, want)
	if s.cfg.Policy.OldDir != "" && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return found, err
}

// listLocked reads the directory, unless that is so full that what is known must do.
func (s *Set) listLocked() (map[string]sandbox.Info, error) {
	began := time.Now()
	if s.listing.names > manyNames && began.Before(s.listing.until) {
		return s.listing.files, nil
	}
	chosen, names, err := s.chooseLocked()
	if s.cfg.Policy.OldDir != "" && errors.Is(err, fs.ErrNotExist) {
		err = nil // the task has removed it; the next rotation makes it again
	}
	if err != nil && !errors.Is(err, sandbox.ErrTooManyNames) {
		return nil, err
	}
	files := map[string]sandbox.Info{}
	if err != nil {
		// It did not see everything: what was known before is most likely still true.
		maps.Copy(files, s.listing.files)
	}
	if err := chosen.each(s.statIntoLocked(files)); err != nil {
		return nil, err
	}
	s.listing = listing{files: files, names: names, until: began.Add(max(listingLife, listingRest*time.Since(began)))}
	return files, nil
}

// renamedLocked and removedLocked keep the listing true to what was done.
func (s *Set) renamedLocked(from, to string) {
	if info, ok := s.listing.files[from]; ok {
		delete(s.listing.files, from)
		if _, ours := s.scheme.Parse(to); ours {
			info.Name = to
			s.listing.files[to] = info
		}
	}
	if j := s.jobs[from]; j != nil {
		delete(s.jobs, from)
		j.name = to
		s.jobs[to] = j
		s.vacatedLocked(from)
	}
}

func (s *Set) removedLocked(name string) {
	delete(s.listing.files, name)
	if j := s.jobs[name]; j != nil {
		delete(s.jobs, name)
		j.stage.become(gone)
		_ = s.dir.Unlink(seriesname.Owed(s.cfg.Base, j.inode))
		s.vacatedLocked(name)
	}
}

// addedLocked adds a file that the rotation put into the series.
func (s *Set) addedLocked(info sandbox.Info) {
	if s.listing.files != nil {
		s.listing.files[info.Name] = info
	}
}

// pendingLocked has the plain names that wait for compression.
func (s *Set) pendingLocked() map[string]bool {
	names := make(map[string]bool, len(s.jobs))
	for name := range s.jobs {
		names[name] = true
	}
	return names
}
