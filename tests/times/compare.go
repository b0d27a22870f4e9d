package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/core/times"
	"sluice/tests/kit"
	"sluice/tests/kit/timestest"
)

// figures are those of a row.
type figures struct {
	lines  int
	errors []time.Duration // shown - printed, of lines with a time
	ranges []time.Duration // how far apart the ends are, of lines with a range
	before int             // lines whose time, or the end of whose range, is before they were printed
}

// compare holds the index of a stdout against the clocks in its lines.
func (f *figures) compare(sandbox string) error {
	files, err := kit.Series(sandbox, "stdout")
	if err != nil {
		return err
	}
	index, err := timestest.Read(sandbox, "stdout")
	if err != nil {
		return err
	}
	position, span := int64(0), times.Span{}
	for line := range strings.Lines(string(kit.Join(files))) {
		printed, err := clock(line)
		if err != nil {
			return err
		}
		if position >= span.End {
			found, ok, err := index.At(position)
			if err != nil || !ok {
				return fmt.Errorf("%s: byte %d has no time: %w", sandbox, position, err)
			}
			span = found
		}
		f.add(span.Moment, printed)
		position += int64(len(line))
	}
	return nil
}

func (f *figures) add(shown times.Moment, printed time.Time) {
	f.lines++
	if shown.Latest.Before(printed) {
		f.before++
	}
	if shown.Exact() {
		f.errors = append(f.errors, shown.Latest.Sub(printed))
		return
	}
	f.ranges = append(f.ranges, shown.Latest.Sub(shown.Earliest))
}

// row is what is printed of the figures.
func (f *figures) row() string {
	slices.Sort(f.errors)
	slices.Sort(f.ranges)
	return fmt.Sprintf("%d | %s | %s | %s | %s | %d", len(f.errors), share(f.errors, 50), share(f.errors, 99), share(f.errors, 100), share(f.ranges, 100), f.before)
}

// share is the duration that so many percent are not above.
func share(sorted []time.Duration, percent int) string {
	if len(sorted) == 0 {
		return "-"
	}
	return sorted[(len(sorted)-1)*percent/100].Round(time.Millisecond / 10).String()
}
