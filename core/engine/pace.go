package engine

import (
	"time"

	"sluice/core/pump"
)

const (
	// looksPerSecond is the budget of the whole process: when more streams are busy
	// than it allows at the shortest pause, each of them pauses longer.
	looksPerSecond = 2000
	// paceWindow is over how long the looks are counted that the kernel asks for.
	paceWindow = 100 * time.Millisecond
)

// pace tells how long to leave a busy stream alone, for all streams alike, so that the
// looks of the process stay within its budget. The scheduler's lock guards it.
//
// Two kinds of looks share the budget: those by the clock, one per busy stream and
// pause, and those at idle streams that the kernel asks for. The latter must count: a
// thousand streams with a line every 10 ms each are silent for longer than the shortest
// pause, so that none of them would ever be busy, and every line would cost a look.
// Once they take the whole budget the pause is the longest one; what comes more often
// than that is visited by the clock from then on, and the pause is again what the
// number of these streams asks for.
type pace struct {
	maxDelay time.Duration
	busy     int       // streams that are visited by the clock because they are chatty
	since    time.Time // when the window under way began
	asked    int       // looks in it that the kernel asked for
	before   int       // the same in the window before
}

// looked counts a look that the kernel asked for.
func (p *pace) looked(now time.Time) {
	p.turn(now)
	p.asked++
}

// pause is how long a busy stream is left alone.
func (p *pace) pause(now time.Time) time.Duration {
	p.turn(now)
	left := looksPerSecond - max(p.asked, p.before)*int(time.Second/paceWindow)
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
		p.before = p.asked
	default:
		p.before = 0
	}
	p.since, p.asked = now, 0
}
