package compression

import (
	"errors"

	"sluice/core/rotation"
	"sluice/core/shortage"
	"sluice/core/worker"
)

// waiting is a compression that waits for a thread, has one, or waits to be tried again.
type waiting struct {
	of       *Queue
	device   uint64
	as       worker.Identity
	task     rotation.Task
	retired  func()
	commands bool
	pause    shortage.Pause
	refusals int
}

// submit queues it.
func (w *waiting) submit() {
	q := w.of
	pool, leave := q.pool(w.commands)
	pool.Submit(&worker.Task{As: w.as, Device: w.device, Run: func(t *worker.Thread, refused error) {
		if t == nil {
			// A closed pool tells the caller, who may hold locks.
			q.guard.Go("give a compression up", func() { w.run(refused, leave) })
			return
		}
		w.run(refused, leave)
	}})
}

// pool gives the pool for a compression, and the function to call when the compression has
// left it.
func (q *Queue) pool(commands bool) (pool *worker.Pool, leave func()) {
	switch {
	case commands:
		return q.commands, func() {}
	case q.idles.Add(1) > idleFiles:
		q.idles.Add(-1)
		return q.normal, func() {}
	}
	return q.idle, func() { q.idles.Add(-1) }
}

// run does the work, and submits it again if it has to. leave says that it has left the pool.
func (w *waiting) run(refused error, leave func()) {
	again := false
	defer func() {
		leave()
		if again {
			w.of.guard.AfterFunc(w.pause.Next(), "try a compression again", w.submit)
			return
		}
		w.of.waiting.Add(-1)
		w.retired()
	}()
	again = w.call(refused)
}

// call does the work, and tells whether to submit it again.
func (w *waiting) call(refused error) (again bool) {
	if refused == nil {
		return w.task(nil)
	}
	if w.refusals++; !errors.Is(refused, worker.ErrClosed) && w.refusals < maxRefusals {
		return true
	}
	if !errors.Is(refused, worker.ErrClosed) { // else the next owner finds what is owed
		w.of.log.Error("a compression was left out; it is tried again at the next rotation", "error", refused)
	}
	return w.task(refused)
}
