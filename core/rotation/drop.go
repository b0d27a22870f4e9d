package rotation

import (
	"errors"
	"fmt"
	"io/fs"
)

// Dropped is what was deleted from a series.
type Dropped struct {
	Files int
	Bytes int64 // as they counted
}

// failedDrops is how many files that cannot be deleted are skipped at a time.
const failedDrops = 8

// DropOldest removes the oldest file of the series, to make room on a full disk. It gives what
// that file counted; ok is false if there was none.
func (s *Set) DropOldest() (sizeBytes int64, ok bool, err error) {
	dropped, err := s.Drop(1)
	if dropped.Files > 0 {
		err = nil
	}
	return dropped.Bytes, dropped.Files > 0, err
}

// Drop removes up to most of the oldest files of the series. It reads the directory once for
// all of them. A file that cannot be deleted does not stop it; the error tells of it even if
// others were deleted.
func (s *Set) Drop(most int) (done Dropped, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == nil {
		return done, fmt.Errorf("make room: %w", fs.ErrClosed)
	}
	files, err := s.filesLocked()
	if err != nil || s.keepsNone() {
		return done, err
	}
	var failed []error
	for _, f := range files {
		if done.Files >= most || len(failed) >= failedDrops {
			break
		}
		err := s.unlinkLocked(f.Name)
		if errors.Is(err, fs.ErrNotExist) {
			s.removedLocked(f.Name)
			continue
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		counts := s.counted(f.Info)
		s.changeKeptLocked(-counts, -1)
		done.Files++
		done.Bytes += counts
	}
	if len(failed) > 0 {
		return done, fmt.Errorf("make room: %w", failed[0])
	}
	return done, nil
}

// Counts is what a file of Files counts.
func (s *Set) Counts(f File) int64 { return s.counted(f.Info) }
