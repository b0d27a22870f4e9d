// Package throttle lets one report a minute into a log and counts those that it holds back:
// whoever can make something fail again and again must not be able to fill the agent's log.
package throttle

import (
	"sync"
	"time"
)

// Interval is the shortest time between two reports of one kind.
const Interval = time.Minute

// Reports are the reports of one kind. The zero value lets the first one through; its
// methods may be called concurrently.
type Reports struct {
	mu   sync.Mutex
	last time.Time
	held int
}

// Allow says whether to report now, and how many reports were held back since the last one. now
// should have a monotonic reading: then setting the wall clock neither silences reports nor lets
// them through.
func (r *Reports) Allow(now time.Time) (heldBack int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.last.IsZero() && now.Sub(r.last) < Interval {
		r.held++
		return 0, false
	}
	heldBack, r.held, r.last = r.held, 0, now
	return heldBack, true
}
