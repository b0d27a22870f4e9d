package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"sluice/core/state"
	"sluice/core/stream"
	sluicepb "sluice/proto"
)

// Who keeps the record of a stream: the state directory, the memory of the process, or
// nobody.
var (
	_ stream.Keeper = stateKeeper{}
	_ stream.Keeper = (*memoryKeeper)(nil)
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
	record := k.entry.stream.Record
	account.Note(record)
	return k.engine.state.KeepEnded(id, record)
}

func (k stateKeeper) OpenSpill(create bool) (*os.File, error) {
	return k.engine.state.OpenSpill(k.entry.id, create)
}

// memoryKeeper keeps a stream for as long as the process lives (sluice pipe). That is longer
// than the stream has its spill open, as it may be rebuilt after a fault. close releases it.
type memoryKeeper struct{ spill int }

func newMemoryKeeper() *memoryKeeper { return &memoryKeeper{spill: -1} }

// Save has nothing to do: the stream itself has the record.
func (k *memoryKeeper) Save(*sluicepb.StreamRecord) error { return nil }

func (k *memoryKeeper) Forget() error { return nil }

func (k *memoryKeeper) OpenSpill(create bool) (*os.File, error) {
	if k.spill < 0 && !create {
		return nil, fs.ErrNotExist
	}
	if k.spill < 0 {
		memory, err := unix.MemfdCreate("sluice-spill", unix.MFD_CLOEXEC)
		if err != nil {
			return nil, fmt.Errorf("make a place for dropped output: %w", err)
		}
		k.spill = memory
	}
	fd, err := unix.FcntlInt(uintptr(k.spill), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open the place of dropped output: %w", err)
	}
	return os.NewFile(uintptr(fd), "spill"), nil
}

func (k *memoryKeeper) close() {
	if k.spill >= 0 {
		_ = unix.Close(k.spill)
	}
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
