package engine

import (
	"sync"
	"time"
)

// reportEvery is how often the engine writes the same into the log.
const reportEvery = time.Minute

// limiter lets one report a minute through and counts what it held back. Its methods
// may be called concurrently.
type limiter struct {
	mu   sync.Mutex
	last time.Time
	held int
}

// allow says whether to report now, and how many reports were held back before.
func (l *limiter) allow(now time.Time) (held int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.last.IsZero() && now.Sub(l.last) < reportEvery {
		l.held++
		return 0, false
	}
	held, l.held, l.last = l.held, 0, now
	return held, true
}
