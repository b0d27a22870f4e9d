package engine

import (
	"strings"
	"sync/atomic"

	"sluice/core/sandbox"
)

// sharedSandbox is a directory that both streams of a container use; the last one
// closes it.
type sharedSandbox struct {
	*sandbox.Dir
	users atomic.Int32
}

func (s *sharedSandbox) release() {
	if s.users.Add(-1) == 0 {
		_ = s.Close()
	}
}

// fresh tells that a sandbox has no file of a series yet, so that there is nothing
// to recover. Where that cannot be told it is not.
func (s *sharedSandbox) fresh() bool {
	found, err := s.List(fewNames, func(name string) bool {
		name = strings.TrimPrefix(name, ".")
		return strings.HasPrefix(name, stdoutName) || strings.HasPrefix(name, stderrName)
	})
	return err == nil && len(found) == 0
}

// fewNames is what a new sandbox has at most; looking through more is left to
// recovery itself.
const fewNames = 1000
