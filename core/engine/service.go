package engine

import (
	"sync/atomic"
	"time"

	"sluice/core/stream"
	"sluice/core/worker"
)

// An entry is what the loop services (schedule.Stream).

// Service is reactor.Served's.
func (e *entry) Service(t *worker.Thread, refused error, now time.Time, wished time.Duration) stream.Next {
	if before := e.engine.hooks.before.Load(); before != nil {
		(*before)(e)
	}
	return e.Served.Service(t, refused, now, wished)
}

// Serviced tells the budget what the stream takes by now.
func (e *entry) Serviced() {
	if e.account != nil {
		e.engine.budget.Serviced(e.account, e.box.Dir, time.Now())
	}
	if after := e.engine.hooks.after.Load(); after != nil {
		(*after)(e)
	}
}

// Ended closes what the stream has open before its end shows, and without the engine's
// lock: a file system may hang.
func (e *entry) Ended() {
	defer e.engine.leave(e)
	e.release()
}

// hooks are called around each service, and in place of a worker pool that is to delete.
// Only tests and builds with faults set them.
type hooks struct {
	before, after atomic.Pointer[func(*entry)]
	submit        atomic.Pointer[func(*worker.Task)]
}

// injected is the first hook of a build with the tag sluice_faults; nil in others.
var injected *func(*entry)
