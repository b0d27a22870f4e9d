package budget

import "time"

// clockStart is where clock begins.
var clockStart = time.Now()

// clock reads t on the monotonic clock, for times that threads compare without a lock.
// With the wall clock, setting it back by an hour would make everybody wait for an hour.
func clock(t time.Time) time.Duration { return t.Sub(clockStart) }
