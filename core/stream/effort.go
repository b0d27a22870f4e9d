package stream

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// What a rotation costs depends on the limit and the policy, which a task can choose, and on
// what it puts into its sandbox. No stream has more of a processor for its rotations than
// one part in effortShare; one that wants more is held back, as if the disk were slow.
const (
	effortShare = 32
	// effortBurst is what a stream may spend at once after a silence.
	effortBurst = 100 * time.Millisecond
)

// errEffortSpent says that the stream has rotated as much as it may for now.
var errEffortSpent = errors.New("rotations have taken all the time that they may")

// effort is the processor time that the rotations of a stream have taken and not paid for by
// waiting. The zero value has taken none.
type effort struct {
	owed time.Duration
	at   time.Time
}

// spend adds what a rotation took.
func (e *effort) spend(took time.Duration, now time.Time) {
	e.settle(now)
	e.owed += took
}

// wait is how long the next rotation has to wait.
func (e *effort) wait(now time.Time) time.Duration {
	e.settle(now)
	return max(0, e.owed-effortBurst) * effortShare
}

// settle takes off what the time since has paid for. A clock that was set back pays nothing.
func (e *effort) settle(now time.Time) {
	if passed := now.Sub(e.at); passed > 0 {
		e.owed = max(0, e.owed-passed/effortShare)
	}
	e.at = now
}

// processorTime is what the calling thread has used (clock_gettime(2)).
func processorTime() time.Duration {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts) != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}
