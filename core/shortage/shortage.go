// Package shortage tells a host that runs short of something, which passes, from a disk
// or a file that fails, which an operator has a policy for. What met a shortage waits
// and is tried again: nothing is dropped for it.
package shortage

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// errnos are of descriptors, of the process (EMFILE) and of the host (ENFILE), of
// memory and of threads and processes.
var errnos = []unix.Errno{unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.EAGAIN}

// Is says that an error is the host's shortage. A pipe that is empty, or a lock that
// somebody has, is EAGAIN too: who asks has told these apart before.
func Is(err error) bool {
	for _, short := range errnos {
		if errors.Is(err, short) {
			return true
		}
	}
	return false
}

const (
	firstPause = 50 * time.Millisecond
	// LongestPause is how soon after its end a shortage is noticed at the latest.
	LongestPause = time.Second
)

// Pause is how long to wait until the next attempt: at first briefly, then twice as long
// each time, up to LongestPause. The zero value is ready; a success sets it to that
// again.
type Pause time.Duration

// Next gives the pause before the next attempt.
func (p *Pause) Next() time.Duration {
	*p = Pause(min(max(2*time.Duration(*p), firstPause), LongestPause))
	return time.Duration(*p)
}

// Retry calls f until its error is no shortage any more, or for so long that another
// pause would pass patience. It blocks.
func Retry(patience time.Duration, f func() error) error {
	var pause Pause
	for began := time.Now(); ; {
		err := f()
		if !Is(err) || time.Since(began)+pause.Next() > patience {
			return err
		}
		time.Sleep(time.Duration(pause))
	}
}
