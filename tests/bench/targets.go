package main

import (
	"fmt"
	"slices"
)

// target is a promise, as a ratio of two medians of one run or a figure with a bound.
type target struct {
	Work, Text string
	AtLeast    bool
	Bound      float64
	Unit       string
	measure    func(*Results) (value float64, against string, ok bool)
}

// targets are what must be shown.
func targets() []target {
	return []target{
		{"a", "throughput against the ceiling", true, 0.95, "x", versus("a", megabytes, fastest, ceilings)},
		{"a", "throughput against " + originalName, true, 2.5, "x", versus("a", megabytes, fastest, named(originalName))},
		{"b", "lines/s of the writer against every peer that keeps whole lines", true, 2, "x", versus("b", perSecond, fastest, wholeLines)},
		{"b", "lines/s of the writer against " + rotateName, true, 1.8, "x", versus("b", perSecond, fastest, named(rotateName))},
		{"b", "CPU of the logger per line against the best peer", false, 0.2, "x", versus("b", cpu, least, peers)},
		{"b", "CPU of the logger per line against the " + pausedName, false, 1.5, "x", versus("b", cpu, least, named(pausedName))},
		{"c", "CPU of the logger against one s6-log per stream", false, 0.2, "x", versus("c", cpu, least, named(s6Name))},
		{"d", "processes per stream", false, 0, "", figure("d", processesPerStream)},
		{"d", "threads per stream", false, 0.005, "", figure("d", threadsPerStream)},
		{"d", "wake-ups", false, 0, "", figure("d", switches)},
		{"d", "resident memory per stream beyond the pipes", false, 24, "KiB", figure("d", kibPerStream)},
		{"e", "prepare, both streams, median", false, 200, "us", figure("e", quantileUS(0.5))},
		{"e", "prepare, both streams, 99th percentile", false, 2000, "us", figure("e", quantileUS(0.99))},
		{"f", "longest blocked write, median of the maxima", false, 5, "ms", figure("f", longestMS)},
		{"g", "CPU per byte at 5,000 streams against 10", false, 1.5, "x", manyAgainstFew},
	}
}

func (t target) met(value float64) bool {
	if t.AtLeast {
		return value >= t.Bound
	}
	return value <= t.Bound
}

func (t target) bound() string {
	sign := "<="
	if t.AtLeast {
		sign = ">="
	}
	return fmt.Sprintf("%s %g %s", sign, t.Bound, t.Unit)
}

// chooser says which loggers are compared with; pick which of them is the one to beat.
type (
	chooser func(Logger) bool
	pick    func(a, b float64) bool
)

func ceilings(l Logger) bool    { return l.Ceiling }
func peers(l Logger) bool       { return !l.Ceiling && l.Name != sluiceName }
func wholeLines(l Logger) bool  { return peers(l) && l.WholeLines }
func fastest(a, b float64) bool { return a > b }
func least(a, b float64) bool   { return a < b }

func named(name string) chooser {
	return func(l Logger) bool { return l.Name == name }
}

// versus is sluice's median divided by that of the best of the chosen loggers.
func versus(work string, f Figure, better pick, chosen chooser) func(*Results) (float64, string, bool) {
	return func(r *Results) (float64, string, bool) {
		ours, ok := r.stat(work, sluiceName, f)
		if !ok {
			return 0, "", false
		}
		best, bestName := 0.0, ""
		for _, l := range loggers() {
			theirs, ran := r.stat(work, l.Name, f)
			if ran && chosen(l) && (bestName == "" || better(theirs.Median, best)) {
				best, bestName = theirs.Median, l.Name
			}
		}
		return ours.Median / best, bestName, bestName != "" && best > 0
	}
}

// figure is sluice's median itself.
func figure(work string, f Figure) func(*Results) (float64, string, bool) {
	return func(r *Results) (float64, string, bool) {
		s, ok := r.stat(work, sluiceName, f)
		return s.Median, "", ok
	}
}

func manyAgainstFew(r *Results) (float64, string, bool) {
	counts := slices.Clone(r.Size.ManyStreams)
	slices.Sort(counts)
	if len(counts) < 2 {
		return 0, "", false
	}
	last := counts[len(counts)-1]
	few, okFew := r.stat(fmt.Sprintf("g%d", counts[0]), sluiceName, cpuNSPerByte)
	many, okMany := r.stat(fmt.Sprintf("g%d", last), sluiceName, cpuNSPerByte)
	return many.Median / few.Median, fmt.Sprintf("%d streams against %d", last, counts[0]), okFew && okMany && few.Median > 0
}
