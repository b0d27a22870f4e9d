package engine

import (
	"errors"
	"log/slog"
	"sluice/core/worker"
	"sync/atomic"
	"time"
)

// compressions gives threads to those of all streams. What waits is bounded: by the
// retention for a stream that runs, as a file that is disposed of needs none any more,
// and by lingererLimit for all those that have ended. Its methods may be called
// concurrently.
type compressions struct {
	log *slog.Logger
	// polite has the lowest priority: tasks have the processors first. A machine without a
	// moment to spare gives it next to nothing, so that overtime takes what is too much.
	polite, overtime *worker.Pool
	waiting, polites atomic.Int64 // those under way included
	lingerers        atomic.Int64
	lingererLimit    int64
	left             limiter
}

const (
	// politeFiles is how many compressions wait for the polite pool at most.
	politeFiles = 16
	// lingererLimit is how many streams that have ended, each with an open sandbox, may
	// wait for their compressions.
	lingererLimit = 1000
)

func newCompressions(log *slog.Logger) *compressions {
	return &compressions{
		log: log, lingererLimit: lingererLimit,
		polite: worker.NewBackgroundPool(log), overtime: worker.NewOvertimePool(log),
	}
}

// submitter gives the function by which a stream's compressions get a thread.
func (c *compressions) submitter(device uint64, identity worker.Identity) func(func()) {
	return func(work func()) {
		c.waiting.Add(1)
		pool, done := c.polite, func() { c.polites.Add(-1); c.waiting.Add(-1) }
		if c.polites.Add(1) > politeFiles {
			c.polites.Add(-1)
			pool, done = c.overtime, func() { c.waiting.Add(-1) }
		}
		pool.Submit(&worker.Task{As: identity, Device: device, Run: func(_ *worker.Thread, refused error) {
			defer done()
			if errors.Is(refused, worker.ErrClosed) {
				return // the next owner finds what is owed
			}
			if refused != nil {
				c.log.Error("a compression was left out", "error", refused)
				return
			}
			work()
		}})
	}
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
	if held, ok := c.left.allow(time.Now()); ok {
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

func (c *compressions) panics() int64 { return c.polite.Panics() + c.overtime.Panics() }

// close has what is under way finished, and tells the rest ErrClosed.
func (c *compressions) close() {
	c.polite.Close()
	c.overtime.Close()
}
