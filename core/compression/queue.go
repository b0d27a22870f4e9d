// Package compression gives threads to the compressions of rotated files. The threads have
// the lowest priority as long as few compressions wait; the queue never grows without bound.
package compression

import (
	"log/slog"
	"sync/atomic"
	"time"

	"sluice/core/guard"
	"sluice/core/rotation"
	"sluice/core/throttle"
	"sluice/core/worker"
)

// Queue holds the compressions of all streams. What waits is bounded: for a running stream by
// its retention, since a deleted file needs no compression, and for all ended streams by
// seats. The methods may be called concurrently.
type Queue struct {
	log   *slog.Logger
	guard *guard.Guard
	// idle has the lowest priority: tasks come first. A fully loaded machine gives it next to
	// nothing, so normal takes what is too much for it.
	idle, normal   *worker.Pool
	commands       *worker.Pool // for compressions that run some
	waiting, idles atomic.Int64 // including those under way
	seated         atomic.Int64
	seats          int64
	refused        throttle.Reports
}

const (
	// idleFiles is how many compressions may wait for the idle pool.
	idleFiles = 16
	// allSeats is how many streams that have ended, each with an open sandbox, may wait for
	// their compressions.
	allSeats = 1000
	// maxRefusals is how often a compression may be refused (because the thread cannot take
	// the identity of the task's user, for one) before its file is left to the next rotation.
	maxRefusals = 3
	// cancelTimeout is how long a compression under way may take to notice that its stream
	// has been given up. One that ends later does no harm.
	cancelTimeout = time.Second
)

// NewQueue makes a queue with threads of its own.
func NewQueue(log *slog.Logger, guard *guard.Guard) *Queue {
	return &Queue{
		log: log, guard: guard, seats: allSeats,
		idle: worker.NewBackgroundPool(log), normal: worker.NewOvertimePool(log), commands: worker.NewCommandPool(log),
	}
}

// KeepFileRights is worker.Pool's.
func (q *Queue) KeepFileRights() {
	q.idle.KeepFileRights()
	q.normal.KeepFileRights()
	q.commands.KeepFileRights()
}

// Submitter gives the function that queues a compression of one stream. It waits in the queue
// of the device for a thread, and runs with the rights of as. retired is called each time one
// is no longer in hand.
func (q *Queue) Submitter(device uint64, as worker.Identity, retired func()) func(rotation.Task) {
	return q.submitter(waiting{of: q, device: device, as: as, retired: retired})
}

// CommandSubmitter is Submitter for a stream whose compressions run commands. Each container
// has a queue of its own for those.
func (q *Queue) CommandSubmitter(commandQueue uint64, as worker.Identity, retired func()) func(rotation.Task) {
	return q.submitter(waiting{of: q, device: commandQueue, as: as, retired: retired, commands: true})
}

func (q *Queue) submitter(like waiting) func(rotation.Task) {
	return func(task rotation.Task) {
		q.waiting.Add(1)
		w := like
		w.task = task
		w.submit()
	}
}

// Waiting tells how many compressions there are, including those under way.
func (q *Queue) Waiting() int64 { return q.waiting.Load() }

// SetSeats changes how many ended streams may wait. It is called before any does.
func (q *Queue) SetSeats(seats int64) { q.seats = seats }

// Seated tells how many ended streams wait.
func (q *Queue) Seated() int64 { return q.seated.Load() }

// Panics counts the compressions that ended in a panic.
func (q *Queue) Panics() int64 {
	return q.idle.Panics() + q.normal.Panics() + q.commands.Panics()
}

// Close gives everything that is queued ErrClosed.
func (q *Queue) Close() {
	q.idle.Close()
	q.normal.Close()
	q.commands.Close()
}

// Wait waits until nothing is under way any more, but no longer than cancelTimeout.
// Compressions of a closed Set end at their next read; a program runs to its end. The pools
// must be closed.
func (q *Queue) Wait() {
	ended := make(chan struct{})
	q.guard.Go("wait for the last compressions", func() {
		defer close(ended)
		q.idle.Wait()
		q.normal.Wait()
		q.commands.Wait()
	})
	patience := time.NewTimer(cancelTimeout)
	defer patience.Stop()
	select {
	case <-ended:
	case <-patience.C:
	}
}
