package engine

import (
	"sync"
	"time"

	"sluice/core/worker"
)

// identities remembers whom the names of users stand for: the name service may be
// slow, and containers come in hundreds.
type identities struct {
	mu    sync.Mutex
	known map[string]knownIdentity
}

type knownIdentity struct {
	worker.Identity
	until time.Time
}

// rememberFor is short enough that a change of groups is soon noticed.
const rememberFor = 10 * time.Second

// of gives the identity of a user; the empty name is the process's own.
func (i *identities) of(name string) (worker.Identity, error) {
	i.mu.Lock()
	found, ok := i.known[name]
	i.mu.Unlock()
	if ok && time.Now().Before(found.until) {
		return found.Identity, nil
	}
	var id worker.Identity
	var err error
	if name == "" {
		id, err = worker.Self()
	} else {
		id, err = worker.Lookup(name)
	}
	if err != nil {
		return id, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.known == nil || len(i.known) > 1000 {
		i.known = map[string]knownIdentity{}
	}
	i.known[name] = knownIdentity{id, time.Now().Add(rememberFor)}
	return id, nil
}
