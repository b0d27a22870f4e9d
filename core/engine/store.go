package engine

import (
	"log/slog"
	"time"

	"sluice/core/fdstore"
	"sluice/core/state"
)

// storeOwner opens pipes for the store of descriptors, and logs what is not kept there.
type storeOwner struct {
	*state.Dir
	log *slog.Logger
}

// NotStored is of fdstore.Owner.
func (o storeOwner) NotStored(waiting int, err error) {
	o.log.Warn("the service manager does not keep descriptors; a container that ends while nobody serves it loses what is in its pipe",
		"error", err, "waiting", waiting)
}

// StoreKeeps asks whether the service manager keeps descriptors for this process. It
// blocks for as long as that has no time, at most for patience.
func (e *Engine) StoreKeeps(patience time.Duration) fdstore.Kept { return e.store.Probe(patience) }
