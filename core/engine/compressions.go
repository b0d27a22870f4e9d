package engine

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"sluice/core/guard"
	"sluice/core/rotation"
	"sluice/core/settings"
	"sluice/core/shortage"
	"sluice/core/throttle"
	"sluice/core/worker"
)

// compressions gives threads to those of all streams. What waits is bounded: by the
// retention for a stream that runs, as a file that is disposed of needs none any more,
// and by lingererLimit for all those that have ended. Its methods may be called
// concurrently.
type compressions struct {
	log   *slog.Logger
	guard *guard.Guard
	// polite has the lowest priority: tasks have the processors first. A machine without a
	// moment to spare gives it next to nothing, so that overtime takes what is too much.
	polite, overtime *worker.Pool
	commands         *worker.Pool // for compressions that run some
	waiting, polites atomic.Int64 // those under way included
	lingerers        atomic.Int64
	lingererLimit    int64
	left             throttle.Reports
}

const (
	// politeFiles is how many compressions wait for the polite pool at most.
	politeFiles = 16
	// lingererLimit is how many streams that have ended, each with an open sandbox, may
	// wait for their compressions.
	lingererLimit = 1000
	// maxRefusals is how often a thread for a compression may be refused, the identity of
	// the task's user for one, until its file is left to the next rotation.
	maxRefusals = 3
	// cancelTime is how long a compression that is under way is given to notice that its
	// stream has been given up. What ends later does no harm.
	cancelTime = time.Second
)

func newCompressions(log *slog.Logger, guard *guard.Guard) *compressions {
	return &compressions{
		log: log, guard: guard, lingererLimit: lingererLimit,
		polite: worker.NewBackgroundPool(log), overtime: worker.NewOvertimePool(log), commands: worker.NewCommandPool(log),
	}
}

// keepFileRights is worker.Pool's.
func (c *compressions) keepFileRights() {
	c.polite.KeepFileRights()
	c.overtime.KeepFileRights()
	c.commands.KeepFileRights()
}

// submitterFor gives the function by which the compressions of a stream get a thread.
// ended hears each time that one is not in hand any more.
func (c *compressions) submitterFor(box *sharedSandbox, identity worker.Identity, s settings.Stream, ended func()) func(rotation.Task) {
	if !s.Policy.Compressor.External && s.Policy.Scripts.PreRemove == "" {
		return c.submitter(box.Device(), identity, ended)
	}
	return func(task rotation.Task) {
		c.waiting.Add(1)
		(&compressing{of: c, device: commandQueue(box), as: identity, task: task, ended: ended, commands: true}).submit()
	}
}

// submitter is submitterFor where no commands are run.
func (c *compressions) submitter(device uint64, identity worker.Identity, ended func()) func(rotation.Task) {
	return func(task rotation.Task) {
		c.waiting.Add(1)
		(&compressing{of: c, device: device, as: identity, task: task, ended: ended}).submit()
	}
}

// compressing is a compression that waits for a thread, has one, or waits to be tried
// again.
type compressing struct {
	of       *compressions
	device   uint64
	as       worker.Identity
	task     rotation.Task
	ended    func()
	commands bool
	pause    shortage.Pause
	refusals int
}

// submit queues it.
func (w *compressing) submit() {
	c := w.of
	pool, leave := c.pool(w.commands)
	pool.Submit(&worker.Task{As: w.as, Device: w.device, Run: func(t *worker.Thread, refused error) {
		if t == nil {
			// A closed pool tells the caller, who may hold locks.
			c.guard.Go("give a compression up", func() { w.run(refused, leave) })
			return
		}
		w.run(refused, leave)
	}})
}

// pool gives the one for a compression, and what is to be called when it is with the pool
// no more.
func (c *compressions) pool(commands bool) (pool *worker.Pool, leave func()) {
	switch {
	case commands:
		return c.commands, func() {}
	case c.polites.Add(1) > politeFiles:
		c.polites.Add(-1)
		return c.overtime, func() {}
	}
	return c.polite, func() { c.polites.Add(-1) }
}

// run does the work, and submits it again where it is to be. leave tells that it is with
// the pool no more.
func (w *compressing) run(refused error, leave func()) {
	again := false
	defer func() {
		leave()
		if again {
			w.of.guard.AfterFunc(w.pause.Next(), "try a compression again", w.submit)
			return
		}
		w.of.waiting.Add(-1)
		w.ended()
	}()
	again = w.call(refused)
}

// call tells whether to submit it again.
func (w *compressing) call(refused error) (again bool) {
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

// linger says whether a stream that has ended may wait for its compressions. Where it
// may not its files stay as they are.
func (c *compressions) linger(e *entry) bool {
	if e.lingers {
		return true
	}
	if c.lingerers.Add(1) <= c.lingererLimit {
		e.lingers = true
		return true
	}
	c.lingerers.Add(-1)
	if held, ok := c.left.Allow(time.Now()); ok {
		e.stream.Log.Warn("the rotated files of a container that has ended stay uncompressed: too many others wait for a compression",
			"waiting", c.waiting.Load(), "held_back", held)
	}
	return false
}

// ended has a stream wait no longer.
func (c *compressions) ended(e *entry) {
	if e.lingers {
		e.lingers = false
		c.lingerers.Add(-1)
	}
}

func (c *compressions) panics() int64 {
	return c.polite.Panics() + c.overtime.Panics() + c.commands.Panics()
}

// close has what is queued told ErrClosed.
func (c *compressions) close() {
	c.polite.Close()
	c.overtime.Close()
	c.commands.Close()
}

// wait waits until nothing is under way any more, but not longer than cancelTime: the
// compressions of a Set that was closed end at their next read, a program goes on to its
// end. The pools must be closed.
func (c *compressions) wait() {
	ended := make(chan struct{})
	c.guard.Go("wait for the last compressions", func() {
		defer close(ended)
		c.polite.Wait()
		c.overtime.Wait()
		c.commands.Wait()
	})
	patience := time.NewTimer(cancelTime)
	defer patience.Stop()
	select {
	case <-ended:
	case <-patience.C:
	}
}
