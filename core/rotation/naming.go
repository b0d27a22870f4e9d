package rotation

import (
	"time"

	"sluice/core/logrotate"
)

// Names tells which names the files of a series have, for those who only read it.
// It is pure and may be used concurrently.
type Names struct {
	scheme scheme
}

// NamesOf gives the names that a policy leads to for the live file `live`.
func NamesOf(policy logrotate.Policy, live string) Names {
	return Names{scheme: newScheme(policy, live)}
}

// Place says where in a series a name stands.
type Place struct{ at place }

// Place reads a name of the directory of the series; it reports false for names that
// are not of the series, the live one among them. The name is untrusted, the answer
// only says that the logger could have made it.
func (n Names) Place(untrusted string) (Place, bool) {
	at, ok := n.scheme.place(untrusted)
	if ok && !n.scheme.dated && at.slot < n.scheme.start {
		return Place{}, false
	}
	return Place{at}, ok
}

// Dated says that the names carry dates; else they carry numbers, and a rotation
// gives every file the next one.
func (n Names) Dated() bool { return n.scheme.dated }

// Start is the number of the youngest file of a numbered series.
func (n Names) Start() int { return n.scheme.start }

// Slot is the plain name of a numbered file.
func (n Names) Slot(number int) string { return n.scheme.slot(number) }

// Compressed is the name of a file once it is compressed; it is the plain one where
// the policy does not compress.
func (n Names) Compressed(plain string) string { return n.scheme.counted(plain) }

// Plain is the name without the compressor's ending.
func (p Place) Plain() string { return p.at.plain }

// Compressed says that the name has that ending.
func (p Place) Compressed() bool { return p.at.compressed }

// Number is that of a numbered name; the highest is the oldest.
func (p Place) Number() int { return p.at.slot }

// Before says that p is the place of an older file than q.
func (p Place) Before(q Place) bool { return p.at.before(q.at) }

// SortByAge orders the rotated files of a series from the oldest to the youngest; of gives
// the place of a file and the time of its last write, now is in the zone of the dates.
func SortByAge[T any](n Names, files []T, of func(T) (Place, time.Time), now time.Time) {
	sortByAge(n.scheme, files, func(f T) (place, time.Time) {
		at, written := of(f)
		return at.at, written
	}, now)
}

// TakenName is the name that the live file `base` has in the directory of the series
// while a rotation shifts the others.
func TakenName(base string) string { return takenName(base) }

// UnderWayNames are those of which one is in the directory of the series from before the
// first file is shifted until the live file `base` has its place; a rotation that was broken
// off leaves it there.
func UnderWayNames(base string) []string { return []string{takenName(base), shiftNoteName(base)} }

// Date is the date in a dated name, as it is written there, and Counter the number that
// follows it for the second file of that date and later ones; 0 is none.
func (p Place) Date() string { return p.at.suffix }

// Counter is explained at Date.
func (p Place) Counter() int { return p.at.counter }
