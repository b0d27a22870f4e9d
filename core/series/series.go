package series

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"sluice/core/logrotate"
	"sluice/core/sandbox"
	"sluice/core/seriesname"
)

// Series is one rotated series, whose directory is held open. Its methods may be called
// concurrently, except Close.
type Series struct {
	dir    *sandbox.Dir // of the live file, borrowed
	live   string
	policy logrotate.Policy
	names  seriesname.Scheme
	// Guessed says why the policy was made up from the names, so that it tells nothing
	// but how to read them; it is empty where the policy is known. To be set before anything else.
	Guessed string

	// mu guards the directories that had the name of olddir, the present one last.
	mu      sync.Mutex
	olddirs []*sandbox.Dir
}

// maxOldDirs is how often the task may replace olddir while it is read.
const maxOldDirs = 16

// New gives the series of the live file in dir, which it borrows. It looks at nothing
// yet. The caller closes it.
func New(dir *sandbox.Dir, live string, policy logrotate.Policy) *Series {
	return &Series{dir: dir, live: live, policy: policy, names: seriesname.New(policy, live)}
}

// Close releases what was opened beside dir.
func (s *Series) Close() error {
	var failed []error
	for _, dir := range s.olddirs {
		failed = append(failed, dir.Close())
	}
	s.olddirs = nil
	return errors.Join(failed...)
}

// Live is the name of the live file.
func (s *Series) Live() string { return s.live }

// Policy is what the names follow.
func (s *Series) Policy() logrotate.Policy { return s.policy }

// rotated is the directory of the rotated files, nil while there is none. The task may
// have replaced it; somebody may still be at the old one, which stays open.
func (s *Series) rotated() (*sandbox.Dir, error) {
	if s.policy.OldDir == "" {
		return s.dir, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.olddirs); n > 0 && (n == maxOldDirs || !s.olddirs[n-1].Removed()) {
		return s.olddirs[n-1], nil
	}
	dir, err := s.dir.Sub(s.policy.OldDir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, sandbox.ErrNotDirectory) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open olddir %q: %w", s.policy.OldDir, err)
	}
	s.olddirs = append(s.olddirs, dir)
	return dir, nil
}

// open opens a file for reading, by its name alone. Another one, or none, may have the
// name by now. Impostors give sandbox.ErrImpostor.
func (s *Series) open(name string, live bool) (*os.File, sandbox.Info, error) {
	dir, err := s.directory(live)
	if err != nil {
		return nil, sandbox.Info{}, err
	}
	for {
		f, err := openOnce(dir, name)
		if err == nil {
			info, err := sandbox.StatFile(f)
			if err != nil {
				_ = f.Close()
				return nil, info, err
			}
			return f, info, nil
		}
		if !errors.Is(err, errVanished) {
			return nil, sandbox.Info{}, err
		}
	}
}

// directory is where live or rotated files are; none gives fs.ErrNotExist.
func (s *Series) directory(live bool) (*sandbox.Dir, error) {
	if live {
		return s.dir, nil
	}
	dir, err := s.rotated()
	if err == nil && dir == nil {
		err = fmt.Errorf("olddir %q: %w", s.policy.OldDir, fs.ErrNotExist)
	}
	return dir, err
}

// errVanished says that what was opened lost its name meanwhile, and a log file has it.
var errVanished = errors.New("the file lost its name while it was opened")

// openOnce opens a name once. What was there instead of a log file may be gone by the
// time that is known.
func openOnce(dir *sandbox.Dir, name string) (*os.File, error) {
	f, err := dir.OpenRead(name)
	if !errors.Is(err, sandbox.ErrImpostor) {
		return f, err
	}
	info, missing := dir.Stat(name)
	if missing != nil {
		return nil, missing
	}
	if info.Ours() {
		return nil, errVanished
	}
	return nil, err
}
