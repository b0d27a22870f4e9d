package remote

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"

	"sluice/core/logrotate"
	"sluice/core/series"
	"sluice/core/seriesname"
)

// Series is one rotated series at an agent.
type Series struct {
	// Guessed says why the policy had to be guessed from the names of the files; it is empty
	// where the logger shows it in the sandbox.
	Guessed string

	agent  *Agent
	dir    string // the sandbox
	live   string
	policy logrotate.Policy
	names  seriesname.Scheme
	rule   rule
}

// Open reads which policy a series has: what the logger shows in the sandbox, else what
// the names look like.
func (a *Agent) Open(ctx context.Context, dir, live string) (*Series, error) {
	s := &Series{agent: a, dir: dir, live: live}
	policy, err := s.readPolicy(ctx)
	if err != nil {
		return nil, err
	}
	s.policy, s.names = policy, seriesname.New(policy, live)
	s.rule = rule{keeps: policy.Rotate, removes: s.Guessed != "" || policy.MaxAge > 0, dated: s.names.Dated()}
	return s, nil
}

func (s *Series) readPolicy(ctx context.Context) (logrotate.Policy, error) {
	name := s.live + series.ConfSuffix
	untrusted, size, err := s.agent.read(ctx, path.Join(s.dir, name), 0, readBytes)
	switch {
	case err == nil && int64(len(untrusted)) < size:
		s.Guessed = name + " is too long"
	case err == nil:
		shown, err := series.ParseShown(string(untrusted))
		if err == nil {
			return shown.Policy, nil
		}
		s.Guessed = "the policy in " + name + " cannot be read: " + err.Error()
	case errors.Is(err, fs.ErrNotExist):
		s.Guessed = "there is no " + name
	default:
		return logrotate.Policy{}, err
	}
	files, err := s.agent.list(ctx, s.dir, func(untrusted string) bool { return strings.HasPrefix(untrusted, s.live) })
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
func (s *Series) path(f found) string {
	if f.live {
		return path.Join(s.dir, f.name)
	}
	return path.Join(s.dir, s.policy.OldDir, f.name)
}
