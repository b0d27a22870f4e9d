package seriesname

import (
	"strconv"
	"strings"
	"time"
)

// key orders dates that match the format. With the default format it is 0, and the
// text decides; with one of the user's own it is the time that the text means, so
// that dd-mm-yyyy sorts right. Like strptime(3), which the replaced program uses,
// it ignores %V and stops at a value that cannot be.
func (f dateFormat) key(text string) int64 {
	if f.byName {
		return 0
	}
	t := brokenTime{year: 1900}
	for _, field := range f.fields {
		if field.verb == 0 {
			text = strings.TrimPrefix(text, field.text)
			continue
		}
		if field.verb == 's' {
			seconds, _ := strconv.ParseInt(text[:min(len(text), 10)], 10, 64)
			return seconds
		}
		rest, ok := t.take(field.verb, text)
		if !ok {
			break
		}
		text = rest
	}
	return time.Date(t.year, time.Month(t.month+1), t.day, t.hour, t.minute, t.second, 0, time.UTC).Unix()
}

// brokenTime is C's struct tm, as far as it is read: a missing day is 0, that is the
// last of the month before.
type brokenTime struct {
	year, month, day, hour, minute, second int
}

// take reads one field as glibc does: digits are taken while the value times ten
// can still be in range.
func (t *brokenTime) take(verb byte, text string) (string, bool) {
	fields := map[byte]struct {
		dest               *int
		least, most, minus int
	}{
		'Y': {&t.year, 0, 9999, 0}, 'm': {&t.month, 1, 12, 1}, 'd': {&t.day, 1, 31, 0},
		'H': {&t.hour, 0, 23, 0}, 'M': {&t.minute, 0, 59, 0}, 'S': {&t.second, 0, 61, 0},
		'V': {new(int), 0, 53, 0},
	}
	field := fields[verb]
	value, taken := 0, 0
	for taken < len(text) && taken < digits[verb] && (taken == 0 || value*10 <= field.most) && allDigits(text[taken:taken+1]) {
		value = value*10 + int(text[taken]-'0')
		taken++
	}
	if taken == 0 || value < field.least || value > field.most {
		return text, false
	}
	*field.dest = value - field.minus
	return text[taken:], true
}
