package seriesname

import (
	"slices"
	"strings"
	"time"
)

// Which of two dated files is the older one their times tell: a file was written last before
// the next one was begun. Names do not always: a date without a year or a day comes again, so
// does an hour when the clocks are set back, and a clock that was ahead gives names that are
// ahead. Only where the times are not those of the writing any more, as in a sandbox that was
// copied, the names have to do. Numbered files are ordered by their numbers.

const (
	// copiedWithin is the time within which a copy gives all files their times. A series that
	// was written so fast is ordered by its names as well.
	copiedWithin = time.Minute
	// ahead is how far beyond now a time can be by chance. What is further ahead is of a clock
	// that was wrong: the file is older than all that were written since.
	ahead = time.Minute
	// lag is how far a name may be behind the time of its rotation: an hour that comes again.
	lag = time.Hour
)

// SortByAge orders the rotated files of a series from the oldest to the youngest; of gives
// the place of a file and the time of its last write, now is in the zone of the dates.
func SortByAge[T any](s Scheme, files []T, of func(T) (Place, time.Time), now time.Time) {
	byTime := s.dated && s.timesTell(times(files, of), now.Location())
	slices.SortStableFunc(files, func(a, b T) int {
		p, t := of(a)
		q, u := of(b)
		if byTime {
			if wrong, too := t.Sub(now) > ahead, u.Sub(now) > ahead; wrong != too {
				return order(wrong, too)
			}
			if !t.Equal(u) {
				return t.Compare(u)
			}
		}
		return order(p.Before(q), q.Before(p))
	})
}

// order is negative where only the first is first.
func order(first, second bool) int {
	switch {
	case first == second:
		return 0
	case first:
		return -1
	}
	return 1
}

type dated struct {
	Place
	at time.Time
}

func times[T any](files []T, of func(T) (Place, time.Time)) []dated {
	list := make([]dated, len(files))
	for i, f := range files {
		list[i].Place, list[i].at = of(f)
	}
	return list
}

// timesTell says that the times are those of the writing: none is later than its name allows,
// and where names do not tell that, they are not all of one minute.
func (s Scheme) timesTell(files []dated, zone *time.Location) bool {
	if len(files) == 0 {
		return false
	}
	if !s.date.total() {
		first, last := files[0].at, files[0].at
		for _, f := range files {
			if f.at.Before(first) {
				first = f.at
			}
			if f.at.After(last) {
				last = f.at
			}
		}
		return last.Sub(first) > copiedWithin
	}
	return !slices.ContainsFunc(files, func(f dated) bool { return f.at.After(s.date.latest(f.Date, zone)) })
}

// total says that a date in this format comes only once: it has year, month and day, or the
// seconds since 1970.
func (f dateFormat) total() bool {
	var verbs string
	for _, field := range f.fields {
		if field.verb != 0 {
			verbs += string(field.verb)
		}
	}
	return strings.Contains(verbs, "s") || strings.Contains(verbs, "Y") && strings.Contains(verbs, "m") && strings.Contains(verbs, "d")
}

// latest is the last instant at which a file can have been rotated that got this date.
func (f dateFormat) latest(suffix string, zone *time.Location) time.Time {
	exact := f
	exact.byName = false
	seconds := time.Unix(exact.key(suffix), 0).UTC()
	t, unit := seconds, 24*time.Hour
	for _, field := range f.fields {
		switch field.verb {
		case 's':
			unit = min(unit, time.Second)
		case 'S':
			unit = min(unit, time.Second)
		case 'M':
			unit = min(unit, time.Minute)
		case 'H':
			unit = min(unit, time.Hour)
		}
	}
	if !slices.ContainsFunc(f.fields, func(field dateField) bool { return field.verb == 's' }) {
		t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, zone)
	}
	if f.yesterday {
		t = t.Add(24 * time.Hour)
	}
	if f.hourAgo {
		t = t.Add(time.Hour)
	}
	return t.Add(unit + lag)
}
