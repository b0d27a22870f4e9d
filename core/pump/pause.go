package pump

import "time"

// Bounds of a pause.
const (
	// ShortestPause is that of one busy stream in the process: long enough that a
	// container which prints short lines costs one look per several hundred.
	ShortestPause = 2 * time.Millisecond
	// SoonPause is when a pipe is looked at again whose writer was as fast as we.
	SoonPause = 150 * time.Microsecond
	// negligible pauses are not worth a sleep.
	negligible = 200 * time.Microsecond
)

// Pause tells how long to leave a pipe alone after it gave moved bytes since the
// last look, elapsed ago: wished, but no longer than the pipe takes to fill to
// half its capacity at that rate, and zero where that is soon.
func Pause(wished time.Duration, moved, capacity int, elapsed time.Duration) time.Duration {
	if moved <= 0 {
		return wished
	}
	half := time.Duration(float64(elapsed) * float64(capacity/2) / float64(moved))
	if pause := min(wished, half); pause >= negligible {
		return pause
	}
	return 0
}
