package reactor

import (
	"sync"
	"time"

	"sluice/core/guard"
	"sluice/core/logrotate"
	"sluice/core/schedule"
)

// calendarEvery is how often streams are checked whose policy has a period or an age.
const calendarEvery = time.Minute

// tended is a stream whose policy goes by the clock.
type tended interface{ Tend() }

// calendar has streams whose policy goes by the clock serviced at each full minute. Without
// such a stream nothing runs.
type calendar struct {
	guard *guard.Guard
	loop  *schedule.Loop

	mu      sync.Mutex
	members map[*schedule.Member]tended
	timer   *time.Timer // set while there are members
	closed  bool
}

// byCalendar tells whether a policy goes by the clock.
func byCalendar(policy *logrotate.Policy) bool { return policy.Every != 0 || policy.MaxAge > 0 }

func (c *calendar) add(m *schedule.Member, s tended) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.members[m] = s
	c.setLocked()
}

func (c *calendar) remove(m *schedule.Member) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.members, m)
}

// Tend tends the streams whose policy goes by the clock, as each full minute does.
func (r *Reactor) Tend() { r.calendar.tend() }

func (c *calendar) tend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timer = nil
	for member, stream := range c.members {
		stream.Tend()
		c.loop.Nudge(member)
	}
	c.setLocked()
}

// GoesByTheClock tells whether any stream does.
func (r *Reactor) GoesByTheClock() bool {
	r.calendar.mu.Lock()
	defer r.calendar.mu.Unlock()
	return r.calendar.timer != nil
}

// setLocked sets the timer to the next full minute, unless it is set or nobody goes by it.
func (c *calendar) setLocked() {
	if c.timer == nil && len(c.members) > 0 && !c.closed {
		now := time.Now()
		c.timer = c.guard.AfterFunc(now.Truncate(calendarEvery).Add(calendarEvery).Sub(now), "look at the clock for rotations", c.tend)
	}
}

func (c *calendar) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.timer != nil {
		c.timer.Stop()
	}
}
