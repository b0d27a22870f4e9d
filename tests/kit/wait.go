package kit

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// Limit is how long is waited for what must come: far more than what a busy machine needs.
const Limit = 5 * time.Minute

// pause is between two looks.
const pause = time.Millisecond

// Wait looks until a condition holds. After Limit the test fails with what was waited for
// and, where the caller gives functions for it, the state that there is then. Where nothing is said
// of what, the text of the call stands for it.
func Wait(t testing.TB, what string, condition func() bool, state ...func() any) {
	t.Helper()
	if holdsWithin(Limit, condition) {
		return
	}
	if what == "" {
		what = waitingCall()
	}
	message := fmt.Sprintf("waited %v for this: %s", Limit, what)
	for _, now := range state {
		message += fmt.Sprintf("\nthere is: %+v", now())
	}
	t.Fatal(message)
}

// Until is Wait where no test is at hand. After Limit the program ends with the place and the
// text of the call, and what all goroutines do.
func Until(condition func() bool) {
	if holdsWithin(Limit, condition) {
		return
	}
	debug.SetTraceback("all")
	panic(fmt.Sprintf("waited %v for this: %s", Limit, waitingCall()))
}

func holdsWithin(limit time.Duration, condition func() bool) bool {
	for deadline := time.Now().Add(limit); !condition(); time.Sleep(pause) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// waiters are how functions are called that only hand a condition on: their callers are told.
var waiters = regexp.MustCompile(`\.(wait|until|await|eventually)\w*$`)

// waitingCall gives the place and the text of the call of Until or Wait.
func waitingCall() string {
	callers := make([]uintptr, 10)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)])
	for {
		frame, more := frames.Next()
		if !waiters.MatchString(frame.Function) || !more {
			return fmt.Sprintf("%s:%d\n%s", frame.File, frame.Line, sourceOf(frame.File, frame.Line))
		}
	}
}

// sourceOf gives a statement that begins in a line: it ends where the indent is the same again.
func sourceOf(file string, line int) string {
	text, _ := os.ReadFile(file)
	lines := strings.Split(string(text), "\n")
	if line > len(lines) {
		return ""
	}
	indent := func(s string) int { return len(s) - len(strings.TrimLeft(s, "\t")) }
	first := lines[line-1]
	end := line
	if strings.HasSuffix(first, "{") {
		for end < len(lines) && indent(lines[end]) > indent(first) {
			end++
		}
		end = min(end+1, len(lines))
	}
	return strings.Join(lines[line-1:end], "\n")
}
