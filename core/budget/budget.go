// Package budget keeps within bounds what all containers of a node write. It deletes the
// oldest rotated files, never a live one, and nothing that is not part of a series. It runs
// nothing by itself: the services of streams, their rotations and their compressions call it.
package budget

import (
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sluice/core/guard"
	"sluice/core/sandbox"
	"sluice/core/settings"
	"sluice/core/throttle"
	"sluice/core/worker"
)

const (
	// EvictionTimeout is how long a deletion may take. One that takes longer is waiting for
	// a file system that hangs, and the budget no longer relies on what it is to free.
	EvictionTimeout = time.Second
	// cooldown is how long a container is left alone when its files cannot be deleted.
	cooldown = 10 * time.Second
	// rescanAfter is how soon the budget looks again when nobody has anything to give.
	rescanAfter = 100 * time.Millisecond
)

// Owner is what a budget needs of the owner of the streams.
type Owner interface {
	// Submit has a task run on a worker thread.
	Submit(*worker.Task)
	// ForgetEnded removes the record of an ended stream. It is called with the identity of
	// the host.
	ForgetEnded(id string) error
}

// Series is what deleting rotated files takes of a stream that is served.
type Series interface {
	// LiveDiskBytes is what the live file takes.
	LiveDiskBytes() int64
	// Borrow keeps the sandbox open until release is called. It may be called concurrently.
	Borrow() (dir *sandbox.Dir, release func())
	// Explain tells in the sandbox what was deleted. It is called on a worker thread with
	// the identity of the task's user.
	Explain()
}

// Config is what a budget is made of.
type Config struct {
	MostBytes int64         // of all series; 0: no bound
	MinFree   settings.Free // of each file system
	Owner     Owner
	Host      worker.Identity // of the process
	Guard     *guard.Guard
	Log       *slog.Logger
}

// Budget keeps the files of all containers within MostBytes, and MinFree of their file
// systems free. planEvictions decides who gives. The methods may be called concurrently.
//
// The services, rotations and compressions of a stream report what it takes whenever that
// changes, and each service compares the sum with the bound. Services also look at the free
// space, once a second and sooner the more was written. Deletions are urgent tasks of the
// worker threads, so that they go before writes; file systems do not wait for each other.
type Budget struct {
	Config

	takenBytes    atomic.Int64
	reservedBytes atomic.Int64 // those of them that are about to be deleted
	evictedFiles  atomic.Int64
	evictedBytes  atomic.Int64
	rescan        atomic.Int64 // by the clock: nobody has anything to give before

	reports, warnings throttle.Reports

	mu         sync.Mutex
	containers map[string]*container // by sandbox
	spaces     map[uint64]*space     // by device
	closed     bool

	ended          int // streams whose files still count
	verifiedAt     time.Time
	verifying      int // file systems that are being looked at
	verifyingSince time.Time
}

// container is a container with files that count.
type container struct {
	sandbox string
	space   *space
	serving []*Account
	ended   []*Account

	// What is to be deleted, and since when. As long as there is any, a task is under way.
	reservedFiles  int
	reservedBytes  int64
	reservedAt     time.Time // zero: no task
	stalled        bool      // it takes so long that nothing relies on it
	coolsDownUntil time.Time
	moved          int // streams that have ended, with their files
	why            string
}

// New makes a budget without any stream.
func New(config Config) *Budget {
	return &Budget{Config: config, containers: map[string]*container{}, spaces: map[uint64]*space{}}
}

// TakenBytes is what all series take.
func (b *Budget) TakenBytes() int64 { return b.takenBytes.Load() }

// ReservedBytes is the part of TakenBytes that is about to be deleted.
func (b *Budget) ReservedBytes() int64 { return b.reservedBytes.Load() }

// Evicted tells what was deleted since the budget was made.
func (b *Budget) Evicted() (files, bytes int64) { return b.evictedFiles.Load(), b.evictedBytes.Load() }

// Join counts a stream that is served from now on.
func (b *Budget) Join(a *Account, s Series) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.containerOfLocked(a.of.sandbox(), a.of.device())
	c.serving = append(c.serving, a)
	a.series, a.space = s, c.space
	a.writes(s.LiveDiskBytes())
}

// containerOfLocked gives the container of a sandbox.
func (b *Budget) containerOfLocked(path string, device uint64) *container {
	c := b.containers[path]
	if c == nil {
		c = &container{sandbox: path, space: b.spaceOfLocked(device)}
		b.containers[path] = c
	}
	return c
}

// dropContainerLocked forgets a container that has no stream.
func (b *Budget) dropContainerLocked(c *container) {
	if len(c.serving) == 0 && len(c.ended) == 0 {
		b.forgetLocked(c)
		delete(b.containers, c.sandbox)
	}
}

// Leave takes out a stream whose series is closed and whose sandbox is not released yet. If
// the stream has ended, its rotated files still count as before. At no instant do they count
// twice or not at all: counted twice, at the bound, they would make others give.
func (b *Budget) Leave(a *Account) {
	c := b.leaves(a)
	if c != nil && b.over(c.space) {
		b.Trim(time.Now()) // what the stream had to give while it ended, its remains now have to
	}
}

// leaves gives the container of a stream whose files still count, or nil.
func (b *Budget) leaves(a *Account) *container {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.containers[a.of.sandbox()]
	at := -1
	if c != nil {
		at = slices.Index(c.serving, a)
	}
	stays := at >= 0 && !b.closed && b.ended < mostEnded && a.files.Load() > 0
	if stays {
		a.writes(0)
		// Thousands of accounts may be kept, but not what served their streams.
		a.series = nil
		a.set.Store(nil)
		b.addEndedLocked(c, a)
		c.moved, c.coolsDownUntil = c.moved+1, time.Time{}
	} else {
		a.end()
	}
	if at >= 0 {
		c.serving = slices.Delete(c.serving, at, at+1)
		b.dropContainerLocked(c)
	}
	if !stays {
		return nil
	}
	return c
}

// Over tells whether more has to be deleted than what already is about to be: of all series,
// or on the file system of a stream that has joined.
func (b *Budget) Over(a *Account) bool { return b.over(a.space) }

// Close ends the choice of deletions. It is called before the sandboxes are released.
func (b *Budget) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}

// Serviced is called after each service of a stream that has joined, on its worker thread.
// dir is its sandbox.
func (b *Budget) Serviced(a *Account, dir *sandbox.Dir, now time.Time) {
	grown := a.writes(a.series.LiveDiskBytes())
	if b.MinFree.On() {
		a.space.serviced(b.MinFree, dir, grown, now, b.warn)
	}
	if b.over(a.space) && clock(now) >= time.Duration(b.rescan.Load()) {
		b.Trim(now)
	}
}
