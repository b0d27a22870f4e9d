package engine

import (
	"log/slog"
	"slices"
	"sync"

	"sluice/core/settings"
)

var (
	// opening is held while an engine is opened, which may take its time: a keeper hands
	// over, a disk hangs. Who asks for figures does not wait for it.
	opening  sync.Mutex
	sharedMu sync.Mutex
	shared   []*Engine
)

// Share gives the engine of this process for the state directory in settings,
// opening it on first use; the settings and the log of the first use hold for it.
// What it finds in the directory is served before it returns. It is not closed as
// long as the process lives.
func Share(module settings.Module, log *slog.Logger) (*Engine, error) {
	opening.Lock()
	defer opening.Unlock()
	for _, e := range allShared() {
		if e.state.Same(module.StateDir) {
			return e, nil
		}
	}
	e, err := Open(module, log)
	if err != nil {
		return nil, err
	}
	sharedMu.Lock()
	defer sharedMu.Unlock()
	shared = append(shared, e)
	return e, nil
}

// allShared gives the engines that Share has opened.
func allShared() []*Engine {
	sharedMu.Lock()
	defer sharedMu.Unlock()
	return slices.Clone(shared)
}
