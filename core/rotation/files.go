package rotation

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"sluice/core/sandbox"
	"sluice/core/seriesname"
)

// File is one file of a series.
type File struct {
	sandbox.Info
	// Compressed says that it is compressed, Pending that it has yet to be.
	Compressed, Pending bool

	at seriesname.Place
}

// Files lists the series from the oldest file to the youngest, without the live file. Names are
// those in the directory of the series (the sandbox, or olddir). It lists only what the
// retention counts: no directories, links or foreign files.
func (s *Set) Files() ([]File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == nil {
		return nil, fmt.Errorf("list %q: %w", s.cfg.Base, fs.ErrClosed)
	}
	return s.filesLocked()
}

func (s *Set) filesLocked() ([]File, error) {
	infos, err := s.lookLocked()
	if err != nil {
		return nil, fmt.Errorf("list the files of %q: %w", s.cfg.Base, err)
	}
	s.countLocked(infos)
	s.tellKeptLocked(false)
	var files []File
	for name, info := range infos {
		at, ok := s.scheme.Parse(name)
		if !ok || !info.Mode.IsRegular() || !s.belongsLocked(name, at) {
			continue
		}
		files = append(files, File{Info: info, Compressed: at.Compressed, Pending: s.jobs[name] != nil, at: at})
	}
	seriesname.SortByAge(s.scheme, files, func(f File) (seriesname.Place, time.Time) { return f.at, f.ModTime }, s.cfg.Now())
	return files, nil
}

// belongsLocked says that a file of the series belongs to the policy. Under a policy that
// compresses, a plain file is from before that policy, unless it waits for its compression.
func (s *Set) belongsLocked(name string, at seriesname.Place) bool {
	if s.scheme.CountsPlain() || s.scheme.CompressExt() == "" || at.Compressed {
		return s.inRange(at)
	}
	if s.jobs[name] != nil {
		return true
	}
	return s.cfg.Policy.DelayCompress && (s.scheme.Dated() || at.Number == s.scheme.Start())
}

// inRange leaves out numbers that rotations never look at.
func (s *Set) inRange(at seriesname.Place) bool {
	rotate := s.cfg.Policy.Rotate
	return s.scheme.Dated() || at.Number >= s.scheme.Start() && (rotate < 0 || at.Number <= s.scheme.Start()+max(rotate, 1))
}

// OldDir is where the rotated files are: a path beneath the sandbox, or empty for the sandbox
// itself.
func (s *Set) OldDir() string { return s.cfg.Policy.OldDir }

// Expire removes the files that are older than maxage at now. It does nothing if the policy has
// no maxage.
func (s *Set) Expire(now time.Time) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == nil {
		return fmt.Errorf("expire files of %q: %w", s.cfg.Base, fs.ErrClosed)
	}
	return s.expireLocked(now)
}

func (s *Set) expireLocked(now time.Time) error {
	maxAge := s.cfg.Policy.MaxAge
	if maxAge <= 0 || s.keepsNone() {
		// Under a policy that keeps none, logrotate leaves for good what there is.
		return nil
	}
	files, err := s.filesLocked()
	if err != nil {
		return err
	}
	var failed []error
	for _, f := range files {
		if now.Sub(f.ModTime) <= maxAge {
			continue
		}
		if s.cfg.Policy.Scripts.PreRemove != "" {
			s.preRemove(f.Name)
		}
		if err := s.unlinkLocked(f.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = append(failed, fmt.Errorf("expire: %w", err))
			continue
		}
		s.changeKeptLocked(-s.counted(f.Info), -1)
	}
	return errors.Join(failed...)
}

// preRemove runs the script of that name outside of a rotation, without the lock.
func (s *Set) preRemove(name string) {
	command := s.scriptCommand(Step{Script: "preremove", From: name})
	if err := s.unlocked(func() error { return s.run(command) }); err != nil {
		s.cfg.Log.Warn("script failed", "script", "preremove", "file", name, "error", err)
	}
}
