package engine

import (
	"errors"
	"os"

	"sluice/core/state"
	"sluice/core/stream"
	sluicepb "sluice/proto"
)

// Who keeps the record of a stream: the state directory, or nobody.
var (
	_ stream.Keeper = stateKeeper{}
	_ stream.Keeper = nobody{}
)

// stateKeeper keeps a stream in the state directory, and tells the node's budget what the
// record says.
type stateKeeper struct {
	engine *Engine
	entry  *entry
}

func (k stateKeeper) Save(record *sluicepb.StreamRecord) error {
	if k.entry.account != nil {
		k.entry.account.Note(record)
	}
	return k.engine.state.Save(k.entry.id, record)
}

// Forget removes record and FIFO; under a budget the record stays while the stream has
// rotated files.
func (k stateKeeper) Forget() error {
	id, account := k.entry.id, k.entry.account
	if account == nil || !account.Outlives() {
		return k.engine.state.Remove(id)
	}
	record := k.entry.Stream.Record
	account.Note(record)
	return k.engine.state.KeepEnded(id, record)
}

func (k stateKeeper) OpenSpill(create bool) (*os.File, error) {
	return k.engine.state.OpenSpill(k.entry.id, create)
}

// nobody keeps a stream that is drained. What the state directory has of it stays as it was
// found until the container has ended.
type nobody struct {
	dir *state.Dir
	id  string
}

func (nobody) Save(*sluicepb.StreamRecord) error { return nil }

func (k nobody) Forget() error { return k.dir.Remove(k.id) }

func (nobody) OpenSpill(bool) (*os.File, error) { return nil, errNotKept }

// errNotKept is why a drained stream has no files.
var errNotKept = errors.New("nothing of the stream is kept")
