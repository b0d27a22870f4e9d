package engine

import (
	"fmt"
	"sync/atomic"
	"time"

	"sluice/core/rotation"
	sluicepb "sluice/proto"
)

// holding is what a stream takes of the budget, and what was deleted of it. It is
// written by the stream's visits and its background, and read by all.
type holding struct {
	budget     *budget
	space      *space // set when the stream is served
	limitBytes int64  // of the live file
	set        atomic.Pointer[rotation.Set]

	liveBytes, keptBytes, files atomic.Int64

	evictedFiles, evictedBytes atomic.Int64
	evictedAt                  atomic.Int64 // Unix nanoseconds, for people
	why                        atomic.Pointer[string]
}

// newHolding goes on with the account of a record.
func newHolding(b *budget, limitBytes int64, r *sluicepb.StreamRecord) *holding {
	h := &holding{budget: b, limitBytes: limitBytes}
	h.evictedFiles.Store(r.GetEvictedFiles())
	h.evictedBytes.Store(r.GetEvictedBytes())
	h.evictedAt.Store(r.GetEvictedUnixNano())
	why := r.GetEvictedFor()
	h.why.Store(&why)
	return h
}

// note puts the account into a record that is about to be saved.
func (h *holding) note(r *sluicepb.StreamRecord) {
	r.EvictedFiles, r.EvictedBytes = h.evictedFiles.Load(), h.evictedBytes.Load()
	r.EvictedUnixNano, r.EvictedFor = h.evictedAt.Load(), *h.why.Load()
}

// keeps hears from the series (rotation.Config.Kept). What a rotation moves counts once
// at every instant: whoever compares the sum meanwhile must not have others give for it.
func (h *holding) keeps(set *rotation.Set, now rotation.Kept, rotated bool) {
	h.set.Store(set)
	change := now.Bytes - h.keptBytes.Swap(now.Bytes)
	if rotated {
		change -= h.liveBytes.Swap(0)
	}
	h.budget.takenBytes.Add(change)
	if h.files.Swap(int64(now.Files)) < int64(now.Files) {
		h.budget.rescan.Store(0)
	}
}

// writes tells how long the live file is now. The task may have extended it, which
// costs it nothing and is not the series' doing: only up to the limit counts. It gives
// by how much the stream takes more than when it was called last.
func (h *holding) writes(liveBytes int64) (grown int64) {
	liveBytes = min(liveBytes, h.limitBytes)
	grown = liveBytes - h.liveBytes.Swap(liveBytes)
	h.budget.takenBytes.Add(grown)
	if grown < 0 {
		return liveBytes // a new file
	}
	return grown
}

// evicted counts files that were deleted.
func (h *holding) evicted(dropped rotation.Dropped, why string) {
	h.evictedFiles.Add(int64(dropped.Files))
	h.evictedBytes.Add(dropped.Bytes)
	h.evictedAt.Store(time.Now().UnixNano())
	h.why.Store(&why)
	h.budget.evictedFiles.Add(int64(dropped.Files))
	h.budget.evictedBytes.Add(dropped.Bytes)
}

// end takes the stream out of the sum. Its series must be closed.
func (h *holding) end() {
	h.budget.takenBytes.Add(-h.liveBytes.Swap(0) - h.keptBytes.Swap(0))
	h.files.Store(0)
}

// confText tells what was deleted, below the policy of the stream.
func (h *holding) confText() string {
	files := h.evictedFiles.Load()
	if files == 0 {
		return ""
	}
	return fmt.Sprintf("# parameter %s: the budget of the node has cost this stream its oldest rotated files, %d so far with %d bytes, the last at %s.\n",
		*h.why.Load(), files, h.evictedBytes.Load(), time.Unix(0, h.evictedAt.Load()).UTC().Format(time.RFC3339))
}
