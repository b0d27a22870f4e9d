package engine

import (
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sluice/core/guard"
	"sluice/core/settings"
	"sluice/core/throttle"
	"sluice/core/worker"
)

const (
	// claimPatience is how long a deletion may take. One that takes longer waits for a
	// file system that hangs: what it is to free is not relied on any more.
	claimPatience = time.Second
	// barredFor is how long a container is left alone whose files cannot be deleted.
	barredFor = 10 * time.Second
	// rescanAfter is how soon is looked again where nobody has anything to give.
	rescanAfter = 100 * time.Millisecond
)

// budget keeps the files of all containers within node_max_bytes, and node_min_free of
// their file systems free, by deleting rotated files: never a live one, and never what
// is not of a series. Who gives is decided by shed.
//
// Nothing of it runs by itself. What a stream takes is told by its visits, its
// rotations and its compressions, as it changes; each visit compares the sum. The
// free space is looked at by visits too, as often as what is written in between asks
// for, and once a second. The deletions are tasks of the worker threads, urgent ones,
// so that they go before what writes; the file systems do not wait for each other.
type budget struct {
	mostBytes int64 // of all series; 0: no bound
	minFree   settings.Free
	submit    func(*worker.Task)
	log       *slog.Logger
	guard     *guard.Guard
	host      worker.Identity // of the process
	// forgetEnded removes the record of an ended stream. It is called with the identity
	// of the host.
	forgetEnded func(id string) error
	// explain has a stream tell in its sandbox what was deleted. It is called on a
	// worker thread with the identity of the task's user.
	explain func(*entry)

	takenBytes   atomic.Int64
	claimedBytes atomic.Int64 // of them, those that are about to be deleted
	evictedFiles atomic.Int64
	evictedBytes atomic.Int64
	rescan       atomic.Int64 // by the clock: nobody has anything to give before

	reports, warnings throttle.Reports

	mu      sync.Mutex
	holders map[string]*holder // by sandbox
	spaces  map[uint64]*space  // by device
	closed  bool

	remains        int // of ended streams
	verifiedAt     time.Time
	verifying      int // file systems on which is looked
	verifyingSince time.Time
	patience       time.Duration // with such a look
}

// holder is a container with files that count.
type holder struct {
	sandbox string
	space   *space
	entries []*entry
	ended   []*remains

	// What is to be deleted, and since when; a task is under way then.
	claimedFiles int
	claimedBytes int64
	claimedAt    time.Time // zero: no task
	overdue      bool      // it takes so long that it is not relied on
	barred       time.Time // until when
	moved        int       // streams that have ended, with their files
	why          string
}

// startBudget makes the budget if there is to be one.
func (e *Engine) startBudget() {
	if e.settings.NodeMaxBytes == 0 && !e.settings.NodeMinFree.On() {
		return
	}
	e.budget = &budget{
		mostBytes: e.settings.NodeMaxBytes, minFree: e.settings.NodeMinFree,
		submit: e.workers.Submit, log: e.log, guard: e.guard, host: e.self,
		forgetEnded: e.state.RemoveEnded, explain: e.explain,
		holders: map[string]*holder{}, spaces: map[uint64]*space{}, patience: verifyPatience,
	}
}

// explain tells in the sandbox what was deleted of a stream, and has its record say so
// for the next owner.
func (e *Engine) explain(entry *entry) {
	entry.showPolicy()
	entry.stream.SaveSoon()
	e.loop.Nudge(entry.member)
}

// join has a stream count that is served from now on.
func (b *budget) join(e *entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.holderOf(e.stream.Record.GetSandbox(), e.box.Device())
	h.entries = append(h.entries, e)
	e.holding.space = h.space
	e.holding.writes(e.stream.LiveDiskBytes())
}

// holderOf gives the container of a sandbox. mu is held.
func (b *budget) holderOf(path string, device uint64) *holder {
	h := b.holders[path]
	if h == nil {
		h = &holder{sandbox: path, space: b.spaceOf(device)}
		b.holders[path] = h
	}
	return h
}

// dropHolder forgets a container that has nothing. mu is held.
func (b *budget) dropHolder(h *holder) {
	if len(h.entries) == 0 && len(h.ended) == 0 {
		b.forget(h)
		delete(b.holders, h.sandbox)
	}
}

// leave has a stream count no more, whose series is closed; its sandbox is not released
// yet. The rotated files of one that has ended go on to count as before, without any
// instant in which they do so twice or not at all: at the bound, others would give for
// the first.
func (b *budget) leave(e *entry) {
	h := b.leaves(e)
	if h != nil && b.over(h.space) {
		b.trim(time.Now()) // what was asked of the stream while it ended is asked of what it left
	}
}

// leaves gives the container of a stream whose files go on to count, or nil.
func (b *budget) leaves(e *entry) *holder {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.holders[e.stream.Record.GetSandbox()]
	at := -1
	if h != nil {
		at = slices.Index(h.entries, e)
	}
	stays := at >= 0 && !b.closed && b.remains < maxRemains && e.holding.files.Load() > 0
	if stays {
		e.holding.writes(0)
		b.addRemains(h, newRemains(e.id, e.stream.Record, e.stream.Settings, e.holding))
		h.moved, h.barred = h.moved+1, time.Time{}
	} else {
		e.holding.end()
	}
	if at >= 0 {
		h.entries = slices.Delete(h.entries, at, at+1)
		b.dropHolder(h)
	}
	if !stays {
		return nil
	}
	return h
}

// close ends all choosing, before the sandboxes are released.
func (b *budget) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}

// visited is called after each visit of a stream, on its worker thread.
func (b *budget) visited(e *entry, now time.Time) {
	if e.holding == nil {
		return // it is drained
	}
	grown := e.holding.writes(e.stream.LiveDiskBytes())
	if b.minFree.On() {
		e.holding.space.visited(b.minFree, e.box.Dir, grown, now, b.warn)
	}
	if b.over(e.holding.space) && clock(now) >= time.Duration(b.rescan.Load()) {
		b.trim(now)
	}
}

// over tells whether something is to be deleted beyond what already is about to.
func (b *budget) over(s *space) bool {
	return b.mostBytes > 0 && b.takenBytes.Load()-b.claimedBytes.Load() > b.mostBytes || s.lackingBytes() > 0
}

// trim chooses what is deleted and has it deleted.
func (b *budget) trim(now time.Time) { b.submitAll(b.choose(now)) }

// choose gives the tasks of what is to be deleted, or is to be looked at before.
func (b *budget) choose(now time.Time) []*worker.Task {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	ok, tasks := b.verified(now)
	if !ok {
		return tasks
	}
	b.dropOverdue(now)
	// Whoever rotates meanwhile takes this back.
	b.rescan.Store(int64(clock(now) + rescanAfter))
	if b.mostBytes > 0 {
		holders, uses := b.usesOn(nil, now)
		tasks = append(tasks, b.claim(taken(uses)-b.mostBytes, holders, uses, "node_max_bytes", now)...)
	}
	for _, s := range b.spaces {
		if lacking := s.lackingBytes(); lacking > 0 {
			holders, uses := b.usesOn(s, now)
			tasks = append(tasks, b.claim(lacking, holders, uses, "node_min_free", now)...)
		}
	}
	return tasks
}

// submitAll hands tasks to the worker threads. mu must not be held.
func (b *budget) submitAll(tasks []*worker.Task) {
	for _, task := range tasks {
		b.submit(task)
	}
}

// usesOn gives all containers, those on one file system if one is given, and what each
// takes: also of those that cannot give now, or others would have to for them. mu is held.
func (b *budget) usesOn(on *space, now time.Time) (holders []*holder, uses []use) {
	for _, h := range b.holders {
		if on == nil || h.space == on {
			u := h.use()
			u.withheld = h.overdue || now.Before(h.barred)
			holders, uses = append(holders, h), append(uses, u)
		}
	}
	return holders, uses
}

// claim has containers free needBytes. It gives the tasks of those that had none. mu is
// held.
func (b *budget) claim(needBytes int64, holders []*holder, uses []use, why string, now time.Time) (tasks []*worker.Task) {
	files, freed := shed(needBytes, uses)
	for i, h := range holders {
		if files[i] == 0 {
			continue
		}
		h.claimedFiles += files[i]
		h.claimedBytes += freed[i]
		h.why = why
		b.rescan.Store(0)
		b.claimedBytes.Add(freed[i])
		h.space.claimedBytes.Add(freed[i])
		if h.claimedAt.IsZero() {
			h.claimedAt = now
			tasks = append(tasks, b.task(h))
		}
	}
	return tasks
}

// use is what the container takes beyond what it is about to give. mu of the budget is
// held.
func (h *holder) use() use {
	u := use{files: -h.claimedFiles, keptBytes: -h.claimedBytes, ended: len(h.entries) == 0}
	add := func(of *holding) {
		u.takenBytes += of.liveBytes.Load()
		u.keptBytes += of.keptBytes.Load()
		u.files += int(of.files.Load())
	}
	for _, e := range h.entries {
		add(e.holding)
	}
	for _, r := range h.ended {
		add(r.holding)
	}
	u.files, u.keptBytes = max(0, u.files), max(0, u.keptBytes)
	u.takenBytes += u.keptBytes
	return u
}

// dropOverdue stops relying on deletions that take too long. mu is held.
func (b *budget) dropOverdue(now time.Time) {
	for _, h := range b.holders {
		if !h.overdue && !h.claimedAt.IsZero() && now.Sub(h.claimedAt) > claimPatience {
			b.forget(h)
			h.overdue = true
		}
	}
}

// forget takes back what a container was to give. mu is held.
func (b *budget) forget(h *holder) {
	b.claimedBytes.Add(-h.claimedBytes)
	h.space.claimedBytes.Add(-h.claimedBytes)
	h.claimedFiles, h.claimedBytes = 0, 0
}
