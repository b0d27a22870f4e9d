package rotation

import (
	"fmt"
	"io/fs"
	"sluice/core/sandbox"
	"time"
)

// Kept is what the rotated files take: counted whenever the series is looked at, and
// changed by what is done to it in between.
type Kept struct {
	Bytes int64
	Files int
}

// counted is what a file of the series counts. The task can extend one at no cost;
// that is not the series' doing.
func (s *Set) counted(sizeBytes int64) int64 {
	if s.cfg.LimitBytes > 0 {
		return min(sizeBytes, s.cfg.LimitBytes)
	}
	return sizeBytes
}

// count counts what was found. mu is held.
func (s *Set) count(found map[string]sandbox.Info) {
	s.kept = Kept{}
	if s.keepsNone() {
		return
	}
	for name, info := range found {
		if at, ok := s.scheme.place(name); ok && info.Mode.IsRegular() && s.belongs(name, at) {
			s.kept.Bytes += s.counted(info.Size)
			s.kept.Files++
		}
	}
}

// keepsNone says that the policy keeps no rotated file: what has such a name beside
// it is the task's.
func (s *Set) keepsNone() bool { return s.cfg.Policy.Rotate == 0 }

// countRotated adds what a rotation did to the series. mu is held.
func (s *Set) countRotated(live sandbox.Info, out Outcome) {
	if !out.Rotated {
		return
	}
	// Where the live file was removed it is one of those removed.
	s.addKept(s.counted(live.Size)-out.RemovedBytes, 1-out.Removed)
	s.tellKept(true)
}

// changeKept tells of a change. mu is held.
func (s *Set) changeKept(bytes int64, files int) {
	s.addKept(bytes, files)
	s.tellKept(false)
}

func (s *Set) addKept(bytes int64, files int) {
	s.kept.Bytes = max(0, s.kept.Bytes+bytes)
	s.kept.Files = max(0, s.kept.Files+files)
}

// tellKept tells what is kept; rotated says that the live file has become part of it.
func (s *Set) tellKept(rotated bool) {
	if s.cfg.Kept != nil {
		s.cfg.Kept(s, s.kept, rotated)
	}
}

// Oldest gives the time of the oldest file of the series; ok is false where there is
// none.
func (s *Set) Oldest() (at time.Time, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == nil {
		return time.Time{}, false, fmt.Errorf("look for the oldest file: %w", fs.ErrClosed)
	}
	files, err := s.files()
	if err != nil || len(files) == 0 || s.keepsNone() {
		return time.Time{}, false, err
	}
	return files[0].ModTime, true, nil
}
