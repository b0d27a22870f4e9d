package main

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// longest is how many tests the summary names for their time.
const longest = 10

// event is what a line of `go test -json` has, as `go doc test2json` says.
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

// test is a test's name; a package's own events have none.
type test struct{ pkg, name string }

func (t test) String() string {
	return strings.TrimSpace(strings.TrimPrefix(t.pkg, "sluice/") + " " + t.name)
}

// run is what is known of the tests so far.
type run struct {
	out     io.Writer
	said    map[test]*strings.Builder // what tests that have not ended printed
	seconds map[test]float64          // those of the outermost tests
	skipped map[string][]test         // by reason
	failed  bool
}

func newRun(out io.Writer) *run {
	return &run{out, make(map[test]*strings.Builder), make(map[test]float64), make(map[string][]test), false}
}

func (r *run) take(e event) {
	t := test{e.Package, e.Test}
	switch e.Action {
	case "output":
		r.print(t, e.Output)
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "skip":
		if e.Test != "" {
			reason := reasonOf(r.said[t])
			r.skipped[reason] = append(r.skipped[reason], t)
		}
	case "fail", "build-fail":
		r.failed = true
		r.show(t)
	}
	switch e.Action {
	case "pass", "fail", "skip":
		delete(r.said, t)
		if e.Test != "" && !strings.Contains(e.Test, "/") {
			r.seconds[t] = e.Elapsed
		}
	}
}

// print shows what a package says at once, but for the verdict that -json has beside the line
// with the time, and keeps what a test says until it is known how it ends.
func (r *run) print(t test, text string) {
	if t.name == "" {
		if text != "PASS\n" {
			fmt.Fprint(r.out, text)
		}
		return
	}
	if r.said[t] == nil {
		r.said[t] = new(strings.Builder)
	}
	r.said[t].WriteString(text)
}

// show prints what a test said; for a package, what those of its tests said that were
// under way when it ended.
func (r *run) show(failed test) {
	for t, said := range r.said {
		if t == failed || failed.name == "" && t.pkg == failed.pkg {
			fmt.Fprint(r.out, said.String())
		}
	}
}

// skipLine is the line that t.Skip prints, behind its place.
var skipLine = regexp.MustCompile(`(?m)^\s+\S+\.go:\d+: (.*)$`)

func reasonOf(said *strings.Builder) string {
	if said != nil {
		if lines := skipLine.FindAllStringSubmatch(said.String(), -1); len(lines) > 0 {
			return lines[len(lines)-1][1]
		}
	}
	return "no reason given"
}

func (r *run) summary() {
	tests := make([]test, 0, len(r.seconds))
	for t := range r.seconds {
		tests = append(tests, t)
	}
	slices.SortFunc(tests, func(a, b test) int { return cmp.Compare(r.seconds[b], r.seconds[a]) })
	fmt.Fprintf(r.out, "\n%d tests, of which took longest:\n", len(tests))
	for _, t := range tests[:min(len(tests), longest)] {
		fmt.Fprintf(r.out, "  %6.1f s  %v\n", r.seconds[t], t)
	}
	r.skips()
}

func (r *run) skips() {
	if len(r.skipped) == 0 {
		fmt.Fprintln(r.out, "Nothing was skipped.")
		return
	}
	reasons := make([]string, 0, len(r.skipped))
	for reason := range r.skipped {
		reasons = append(reasons, reason)
	}
	slices.Sort(reasons)
	fmt.Fprintln(r.out, "Skipped:")
	for _, reason := range reasons {
		tests := r.skipped[reason]
		fmt.Fprintf(r.out, "  %s: %v", reason, tests[0])
		if more := len(tests) - 1; more > 0 {
			fmt.Fprintf(r.out, " and %d more", more)
		}
		fmt.Fprintln(r.out)
	}
}
