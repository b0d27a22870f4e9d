package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sluice/core/logrotate"
	"sluice/core/rotation"
	"sluice/core/series"
)

// Series is one rotated series at an agent.
type Series struct {
	agent  *Agent
	dir    string // the sandbox
	live   string
	policy logrotate.Policy
	names  rotation.Names
}

// Open reads which policy a series has: what the logger shows in the sandbox, else what
// the names look like.
func (a *Agent) Open(ctx context.Context, dir, live string) (*Series, error) {
	s := &Series{agent: a, dir: dir, live: live}
	policy, err := s.readPolicy(ctx)
	if err != nil {
		return nil, err
	}
	s.policy, s.names = policy, rotation.NamesOf(policy, live)
	return s, nil
}

func (s *Series) readPolicy(ctx context.Context) (logrotate.Policy, error) {
	untrusted, size, err := s.agent.read(ctx, path.Join(s.dir, s.live+series.ConfSuffix), 0, readBytes)
	if err == nil && int64(len(untrusted)) == size {
		if shown, err := series.ParseShown(string(untrusted)); err == nil {
			return shown.Policy, nil
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return logrotate.Policy{}, err
	}
	files, err := s.agent.list(ctx, s.dir)
	if err != nil {
		return logrotate.Policy{}, err
	}
	var names []string
	for _, f := range files {
		names = append(names, f.name)
	}
	return series.GuessFromNames(names, s.live)
}

// path is where a file of the series is.
func (s *Series) path(name string, live bool) string {
	if live {
		return path.Join(s.dir, name)
	}
	return path.Join(s.dir, s.policy.OldDir, name)
}

// rotated lists the rotated files from the oldest to the youngest, each under its plain name. Two
// listings miss none whose compression ends meanwhile.
func (s *Series) rotated(ctx context.Context) ([]rotation.Place, map[string]file, error) {
	places := map[string]rotation.Place{}
	found := map[string]file{}
	for range 2 {
		files, err := s.agent.list(ctx, path.Join(s.dir, s.policy.OldDir))
		if errors.Is(err, fs.ErrNotExist) && s.policy.OldDir != "" {
			return nil, nil, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("look for the files of %q: %w", s.live, err)
		}
		for _, f := range files {
			if place, ours := s.names.Place(f.name); ours && f.regular && f.name != s.live {
				places[place.Plain()], found[f.name] = place, f
			}
		}
	}
	ordered := make([]rotation.Place, 0, len(places))
	for _, place := range places {
		ordered = append(ordered, place)
	}
	slices.SortFunc(ordered, func(a, b rotation.Place) int {
		switch {
		case a.Before(b):
			return -1
		case b.Before(a):
			return 1
		}
		return 0
	})
	return ordered, found, nil
}
