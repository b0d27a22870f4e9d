package schedule

import (
	"fmt"
	"runtime/debug"
	"time"

	"sluice/core/pump"
	"sluice/core/stream"
	"sluice/core/worker"
)

const (
	// faultPeriod is how long a stream must have been without a fault to get another chance.
	faultPeriod = time.Minute
	// rebuildAfter is the pause before a stream is rebuilt.
	rebuildAfter = 100 * time.Millisecond
)

// service services a member on a worker thread, then puts it where it belongs.
func (l *Loop) service(m *Member, t *worker.Thread, refused error) {
	wished, open := l.begin(m)
	if !open {
		return
	}
	next := l.guarded(m, t, refused, wished)
	if next.Ended {
		l.remove(m)
		m.stream.Ended()
		return
	}
	defer l.reschedule(m, next, t.Commands()) // also after a panic in Serviced
	m.stream.Serviced()
}

// guarded services a stream so that a fault in it ends neither the host nor the other
// streams. After a first fault the stream is rebuilt from its record. After a second one
// within a minute its output is counted and dropped, or, if its container has ended, the
// stream is left to the next owner.
func (l *Loop) guarded(m *Member, t *worker.Thread, refused error, wished time.Duration) (next stream.Next) {
	defer func() {
		if r := recover(); r != nil {
			next = l.fault(m, r)
		}
	}()
	if m.broken && refused == nil {
		m.stream.Rebuild(t)
		m.broken = false
	}
	next = m.stream.Service(t, refused, time.Now(), wished)
	if m.goesIdle(next) && m.stream.CountOn() {
		return stream.Next{After: pump.SoonPause, Busy: true}
	}
	return next
}

// fault counts and logs a panic of a service and says what becomes of the stream.
func (l *Loop) fault(m *Member, r any) stream.Next {
	l.panics.Add(1)
	again := !m.faulted.IsZero() && time.Since(m.faulted) < faultPeriod
	m.faulted, m.broken = time.Now(), !again
	next, then := stream.Next{After: rebuildAfter, Backoff: true}, "it is rebuilt from its record"
	switch {
	case again && m.stream.Over():
		next, then = stream.Next{Ended: true}, "it is the second within a minute: what the container has left behind is left to the next start"
	case again:
		then = "it is the second within a minute: the container's further output is dropped"
		m.stream.GiveUp()
	}
	if held, ok := m.faults.Allow(m.faulted); ok || m.broken {
		m.stream.Log().Error("fault in a stream; "+then, "panic", fmt.Sprint(r), "stack", string(debug.Stack()), "held_back", held)
	}
	return next
}
