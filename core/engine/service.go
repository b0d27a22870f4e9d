package engine

import (
	"log/slog"
	"sync/atomic"
	"time"

	"sluice/core/stream"
	"sluice/core/worker"
)

// An entry is what the loop services (schedule.Stream).

// Service shows the policy in the sandbox before the first bytes, moves what is in the
// pipe, and after the last shows the policy again.
func (e *entry) Service(t *worker.Thread, refused error, now time.Time, wished time.Duration) stream.Next {
	if before := e.engine.hooks.before.Load(); before != nil {
		(*before)(e)
	}
	if refused == nil {
		e.policy.Refresh(now, false)
	}
	next := e.stream.Service(t, refused, now, wished)
	if next.Ended && refused == nil {
		e.policy.Refresh(time.Now(), true)
	}
	return next
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

// Rebuild, CountOn, Over and GiveUp are the stream's.

func (e *entry) Rebuild(t *worker.Thread) { e.stream.Rebuild(t) }

func (e *entry) CountOn() (more bool) { return e.stream.Settle() }

func (e *entry) Over() bool { return e.stream.Over() }

func (e *entry) GiveUp() { e.stream.GiveUp() }

func (e *entry) PipeFD() int { return e.stream.Pipe }

func (e *entry) Log() *slog.Logger { return e.stream.Log }

// hooks are called around each service, and in place of a worker pool that is to delete.
// Only tests and builds with faults set them.
type hooks struct {
	before, after atomic.Pointer[func(*entry)]
	submit        atomic.Pointer[func(*worker.Task)]
}

// injected is the first hook of a build with the tag sluice_faults; nil in others.
var injected *func(*entry)
