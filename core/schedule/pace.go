package schedule

import (
	"time"

	"sluice/core/pump"
)

const (
	// pollsPerSecond is the budget of the whole process. When more streams are busy than
	// it allows at the shortest pause, each of them pauses longer.
	pollsPerSecond = 2000
	// paceWindow is the time over which the services that the kernel asks for are counted.
	paceWindow = 100 * time.Millisecond
)

// pace tells how long to leave a busy stream alone, for all streams alike, so that the
// services of the process stay within its budget. The lock of the loop guards it.
//
// Two kinds of services share the budget: those by the clock, one per busy stream and
// pause, and those of idle streams, which the kernel asks for. The latter must count: a
// thousand streams with a line every 10 ms each are silent for longer than the shortest
// pause, so none of them would ever be busy, and every line would cost a service. Once
// these take the whole budget, the pause is the longest one. Streams that write more often
// than that are then serviced by the clock, and the pause again follows from their number.
type pace struct {
	maxDelay time.Duration
	busy     int       // chatty streams, which are serviced by the clock
	since    time.Time // when the window under way began
	polls    int       // services in it that the kernel asked for
	before   int       // the same, in the window before
}

// polled counts a service that the kernel asked for.
func (p *pace) polled(now time.Time) {
	p.turn(now)
	p.polls++
}

// pause is how long a busy stream is left alone.
func (p *pace) pause(now time.Time) time.Duration {
	p.turn(now)
	left := pollsPerSecond - max(p.polls, p.before)*int(time.Second/paceWindow)
	if left <= 0 {
		return p.maxDelay
	}
	share := time.Duration(p.busy) * time.Second / time.Duration(left)
	return min(max(pump.ShortestPause, share), p.maxDelay)
}

// turn begins a new window where the one under way is over.
func (p *pace) turn(now time.Time) {
	switch passed := now.Sub(p.since); {
	case passed < paceWindow:
		return
	case passed < 2*paceWindow:
		p.before = p.polls
	default:
		p.before = 0
	}
	p.since, p.polls = now, 0
}
