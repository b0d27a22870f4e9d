// Package shortage distinguishes a shortage on the host, which passes, from a disk or a file that
// fails, for which an operator has a policy. Work that met a shortage waits and is tried again:
// nothing is dropped for it.
package shortage

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// errnos mean a shortage of descriptors, in the process (EMFILE) or the host (ENFILE), of
// memory, or of threads and processes.
var errnos = []unix.Errno{unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.EAGAIN}

// Is says that an error is a shortage on the host. An empty pipe, or a lock that somebody has,
// is EAGAIN too: the caller has to rule these out first.
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
	// LongestPause is how long the end of a shortage may go unnoticed.
	LongestPause = time.Second
)

// Pause is how long to wait before the next attempt: at first briefly, then twice as long each
// time, up to LongestPause. The zero value is ready; after a success the caller sets it to zero
// again.
type Pause time.Duration

// Next gives the pause before the next attempt.
func (p *Pause) Next() time.Duration {
	*p = Pause(min(max(2*time.Duration(*p), firstPause), LongestPause))
	return time.Duration(*p)
}

// Retry calls f until its error is not a shortage any more, or another pause would exceed
// patience. It blocks.
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
