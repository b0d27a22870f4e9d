// Package guard keeps a fault in one piece of work from ending the process, which is somebody
// else's: an agent with all its containers.
//
// Of the packages that live in an agent, no other starts goroutines or timers;
// TestOnlyTheGuardStartsGoroutines sees to that. What a panic leaves behind is not its concern:
// whoever holds a lock or a descriptor, or keeps somebody waiting, gives it up in a defer.
package guard

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// Guard turns panics into errors, counts them and logs each with its stack. Its methods
// may be called concurrently.
type Guard struct {
	log    *slog.Logger
	caught atomic.Int64
}

// New gives a guard that writes to a log.
func New(log *slog.Logger) *Guard { return &Guard{log: log} }

// FaultError is the error that a panic becomes.
type FaultError struct {
	// Work is what was being done, for people.
	Work string
	// Value is what the panic was called with.
	Value any
}

// Error tells where the stack is.
func (f *FaultError) Error() string {
	return fmt.Sprintf("fault in the core of sluice: %v; the stack is in the log", f.Value)
}

// Caught is how many panics there were.
func (g *Guard) Caught() int64 { return g.caught.Load() }

// Run calls f and gives its error, or a *FaultError. work names it in the log.
func (g *Guard) Run(work string, f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = g.caughtOne(work, r)
		}
	}()
	return f()
}

// Go calls f on a goroutine of its own.
func (g *Guard) Go(work string, f func()) {
	go g.run(work, f)
}

// AfterFunc calls f on a goroutine of its own after a time, unless the timer is stopped before.
func (g *Guard) AfterFunc(after time.Duration, work string, f func()) *time.Timer {
	return time.AfterFunc(after, func() { g.run(work, f) })
}

func (g *Guard) run(work string, f func()) {
	_ = g.Run(work, func() error { f(); return nil })
}

// caughtOne counts and logs a panic. If the log panics too, there is nobody to tell.
func (g *Guard) caughtOne(work string, value any) *FaultError {
	g.caught.Add(1)
	defer func() { _ = recover() }()
	fault := &FaultError{Work: work, Value: value}
	g.log.Error("fault in the core; what was being done has ended", "work", work, "panic", fmt.Sprint(value), "stack", string(debug.Stack()))
	return fault
}
