package budget

import (
	"fmt"
	"sync/atomic"
	"time"

	"sluice/core/rotation"
	"sluice/core/settings"
	"sluice/core/worker"
	sluicepb "sluice/proto"
)

// Of says whose files an account counts.
type Of struct {
	ID       string // in the state directory
	Record   *sluicepb.StreamRecord
	Settings settings.Stream
	As       worker.Identity // of the task's user
}

func (o *Of) sandbox() string { return o.Record.GetSandbox() }
func (o *Of) device() uint64  { return o.Record.GetSandboxDevice() }
func (o *Of) inode() uint64   { return o.Record.GetSandboxInode() }

// Account is how much of the budget a stream takes, and what was deleted of it. The
// stream's services and its background work write it; anybody may read it.
type Account struct {
	budget     *Budget
	of         Of
	series     Series // set by Join; nil once the stream has ended
	space      *space // set by Join
	limitBytes int64  // of the live file and its time index
	set        atomic.Pointer[rotation.Set]

	liveBytes, keptBytes, files atomic.Int64

	evictedFiles, evictedBytes atomic.Int64
	evictedAt                  atomic.Int64 // Unix nanoseconds, for people
	why                        atomic.Pointer[string]
}

// NewAccount continues the account in a record. The live file, with its
// time index, counts up to limitBytes.
func (b *Budget) NewAccount(of Of, limitBytes int64) *Account {
	a, r := &Account{budget: b, of: of, limitBytes: limitBytes}, of.Record
	a.evictedFiles.Store(r.GetEvictedFiles())
	a.evictedBytes.Store(r.GetEvictedBytes())
	a.evictedAt.Store(r.GetEvictedUnixNano())
	why := r.GetEvictedFor()
	a.why.Store(&why)
	return a
}

// Note puts the account into a record that is about to be saved.
func (a *Account) Note(r *sluicepb.StreamRecord) {
	r.EvictedFiles, r.EvictedBytes = a.evictedFiles.Load(), a.evictedBytes.Load()
	r.EvictedUnixNano, r.EvictedFor = a.evictedAt.Load(), *a.why.Load()
}

// Keeps hears from the series (rotation.Config.Kept). What a rotation moves counts exactly
// once at every instant: a sum taken meanwhile must not make other streams give for it.
func (a *Account) Keeps(set *rotation.Set, now rotation.Kept, rotated bool) {
	a.set.Store(set)
	change := now.Bytes - a.keptBytes.Swap(now.Bytes)
	if rotated {
		change -= a.liveBytes.Swap(0)
	}
	a.budget.takenBytes.Add(change)
	if a.files.Swap(int64(now.Files)) < int64(now.Files) {
		a.budget.rescan.Store(0)
	}
}

// writes takes the present length of the live file, and gives by how much the stream has
// grown since the last call. Only the bytes up to the limit count: the task may have
// extended the file, which costs nothing and is not the series' doing.
func (a *Account) writes(liveBytes int64) (grown int64) {
	liveBytes = min(liveBytes, a.limitBytes)
	grown = liveBytes - a.liveBytes.Swap(liveBytes)
	a.budget.takenBytes.Add(grown)
	if grown < 0 {
		return liveBytes // a new file
	}
	return grown
}

// Evicted is how many rotated files of the series were deleted for the budget.
func (a *Account) Evicted() int64 { return a.evictedFiles.Load() }

// Set is the rotated files of a stream that is served; nil before they are open.
func (a *Account) Set() *rotation.Set { return a.set.Load() }

// Outlives tells whether the rotated files of a stream still count after its end, so that
// its record has to be kept.
func (a *Account) Outlives() bool { return a.files.Load() > 0 && !a.budget.Full() }

// evicted counts files that were deleted.
func (a *Account) evicted(dropped rotation.Dropped, why string) {
	a.evictedFiles.Add(int64(dropped.Files))
	a.evictedBytes.Add(dropped.Bytes)
	a.evictedAt.Store(time.Now().UnixNano())
	a.why.Store(&why)
	a.budget.evictedFiles.Add(int64(dropped.Files))
	a.budget.evictedBytes.Add(dropped.Bytes)
}

// end takes the stream out of the sum. Its series must be closed.
func (a *Account) end() {
	a.budget.takenBytes.Add(-a.liveBytes.Swap(0) - a.keptBytes.Swap(0))
	a.files.Store(0)
}

// ConfText tells what was deleted, below the policy of the stream.
func (a *Account) ConfText() string {
	files := a.evictedFiles.Load()
	if files == 0 {
		return ""
	}
	return fmt.Sprintf("# parameter %s: the budget of the node has cost this stream its oldest rotated files, %d so far with %d bytes, the last at %s.\n",
		*a.why.Load(), files, a.evictedBytes.Load(), time.Unix(0, a.evictedAt.Load()).UTC().Format(time.RFC3339))
}
