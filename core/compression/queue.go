// Package compression gives threads to the compressions of rotated files: of the lowest
// priority as long as few wait, and never so many that they would pile up.
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

// Queue holds the compressions of all streams. What waits is bounded: by the retention for
// a stream that runs, as a file that is disposed of needs none any more, and by seats for
// all those that have ended. Its methods may be called concurrently.
type Queue struct {
	log   *slog.Logger
	guard *guard.Guard
	// idle has the lowest priority: tasks have the processors first. A machine without a
	// moment to spare gives it next to nothing, so that normal takes what is too much.
	idle, normal   *worker.Pool
	commands       *worker.Pool // for compressions that run some
	waiting, idles atomic.Int64 // those under way included
	seated         atomic.Int64
	seats          int64
	refused        throttle.Reports
}

const (
	// idleFiles is how many compressions wait for the idle pool at most.
	idleFiles = 16
	// allSeats is how many streams that have ended, each with an open sandbox, may wait for
	// their compressions.
	allSeats = 1000
	// maxRefusals is how often a thread for a compression may be refused, the identity of
	// the task's user for one, until its file is left to the next rotation.
	maxRefusals = 3
	// cancelTimeout is how long a compression that is under way is given to notice that its
	// stream has been given up. What ends later does no harm.
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

// Submitter gives the function by which the compressions of one stream, with the rights of
// as, wait in the queue of a device for a thread. retired hears each time that one is not in hand any
// more.
func (q *Queue) Submitter(device uint64, as worker.Identity, retired func()) func(rotation.Task) {
	return q.submitter(waiting{of: q, device: device, as: as, retired: retired})
}

// CommandSubmitter is Submitter for a stream whose compressions run commands, of which each
// container has a queue.
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

// Waiting tells how many compressions there are, those under way included.
func (q *Queue) Waiting() int64 { return q.waiting.Load() }

// SetSeats changes how many streams that have ended may wait. It is called before any does.
func (q *Queue) SetSeats(seats int64) { q.seats = seats }

// Seated tells how many streams that have ended wait.
func (q *Queue) Seated() int64 { return q.seated.Load() }

// Panics counts the compressions that ended in one.
func (q *Queue) Panics() int64 {
	return q.idle.Panics() + q.normal.Panics() + q.commands.Panics()
}

// Close has what is queued told ErrClosed.
func (q *Queue) Close() {
	q.idle.Close()
	q.normal.Close()
	q.commands.Close()
}

// Wait waits until nothing is under way any more, but not longer than cancelTimeout: the
// compressions of a Set that was closed end at their next read, a program goes on to its
// end. The pools must be closed.
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
