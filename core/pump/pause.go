package pump

import "time"

// Bounds of a pause.
const (
	// ShortestPause is the pause when one stream in the process is busy: long enough that
	// a container that prints short lines costs one look per several hundred.
	ShortestPause = 2 * time.Millisecond
	// SoonPause is how soon to look again at a pipe whose writer kept up with us.
	SoonPause = 150 * time.Microsecond
	// negligible pauses are not worth a sleep.
	negligible = 200 * time.Microsecond
)

// Pause tells how long to leave a pipe alone that has given moved bytes since the last look,
// elapsed ago: wished, but no longer than the pipe takes at that rate to fill to half its
// capacity, and zero if that is soon.
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
