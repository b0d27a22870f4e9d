package engine

import (
	"fmt"
	"runtime/debug"
	"time"

	"sluice/core/pump"
	"sluice/core/stream"
	"sluice/core/worker"
)

const (
	// faultPeriod is how long a stream must have been well to get another chance.
	faultPeriod = time.Minute
	// rebuildAfter is the pause before a stream is rebuilt.
	rebuildAfter = 100 * time.Millisecond
)

// injected makes visits fail in a build with the tag sluice_faults; nil in others.
var injected func(*entry)

// guarded visits a stream so that a fault in it ends neither the host nor the other
// streams. After a first fault the stream is rebuilt from its record; after a second
// within a minute its output is counted and dropped, or, where its container has ended,
// it is left to the next owner.
func (s *scheduler) guarded(e *entry, t *worker.Thread, refused error, wished time.Duration) (next stream.Next) {
	defer func() {
		if r := recover(); r != nil {
			next = s.fault(e, r)
		}
	}()
	if s.onVisit != nil {
		s.onVisit(e)
	}
	if e.broken && refused == nil {
		e.stream.Rebuild(t)
		e.broken = false
	}
	if refused == nil {
		e.introduce(time.Now(), false)
	}
	next = e.stream.Visit(t, refused, time.Now(), wished)
	if next.Ended && refused == nil {
		e.introduce(time.Now(), true)
	}
	if s.rests(e, next) && e.stream.Settle() {
		return stream.Next{After: pump.SoonPause, Much: true}
	}
	return next
}

// fault counts and logs a panic of a visit and says what becomes of the stream.
func (s *scheduler) fault(e *entry, r any) stream.Next {
	s.panics.Add(1)
	again := !e.faulted.IsZero() && time.Since(e.faulted) < faultPeriod
	e.faulted, e.broken = time.Now(), !again
	next, then := stream.Next{After: rebuildAfter, Held: true}, "it is rebuilt from its record"
	switch {
	case again && e.stream.Over():
		next, then = stream.Next{Ended: true}, "it is the second within a minute: what the container has left behind is left to the next start"
	case again:
		then = "it is the second within a minute: the container's further output is dropped"
		e.stream.GiveUp()
	}
	if held, ok := e.faults.Allow(e.faulted); ok || e.broken {
		e.stream.Log.Error("fault in a stream; "+then, "panic", fmt.Sprint(r), "stack", string(debug.Stack()), "held_back", held)
	}
	return next
}
