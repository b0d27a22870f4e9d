package reactor

import (
	"sync"
	"time"

	"sluice/core/guard"
	"sluice/core/logrotate"
	"sluice/core/schedule"
)

// calendarEvery is how often the clock is looked at for streams whose policy has a period
// or an age.
const calendarEvery = time.Minute

// tended is a stream whose policy goes by the clock.
type tended interface{ Tend() }

// calendar has the streams serviced at each full minute whose policy goes by the clock.
// Without such a stream nothing runs.
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

// Tend has the streams tended whose policy goes by the clock, as each full minute does.
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

// GoesByTheClock tells whether it will be looked at.
func (r *Reactor) GoesByTheClock() bool {
	r.calendar.mu.Lock()
	defer r.calendar.mu.Unlock()
	return r.calendar.timer != nil
}

// setLocked sets the clock, at a full minute, if it is not set and somebody goes by it.
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
