package schedule

import (
	"container/heap"
	"time"

	"sluice/core/pump"
	"sluice/core/stream"
)

// reschedule puts a stream where its last service says. away says that the thread is not one
// of the pool that waits in the loop, and so does not come for what is queued there.
func (l *Loop) reschedule(m *Member, next stream.Next, away bool) {
	again := l.pool.Queue
	if away {
		again = l.pool.Submit
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	m.last = now
	m.task.Device = m.device
	if next.Busy {
		m.probes = idleProbes
	}
	switch {
	case l.closed:
	case next.Commands:
		l.setByClockLocked(m, true)
		m.task.Device = m.commandQueue
		l.commands.Submit(&m.task)
	case next.Parked && m.unparked, m.nudged && (next.Parked || m.goesIdle(next)):
		again(&m.task)
	case next.Parked:
		l.setByClockLocked(m, false)
		m.place = Parked
	case next.Backoff:
		l.waitLocked(m, now.Add(next.After))
	case next.Idle && m.probes > 0 && l.pace.maxDelay > 0:
		pause := pump.ShortestPause << (idleProbes - m.probes)
		m.probes--
		l.waitLocked(m, l.align(now.Add(min(pause, l.pace.maxDelay)), tick))
	case m.goesIdle(next):
		// A few bytes after a silence need not mean that more come.
		l.setByClockLocked(m, false)
		if err := l.armLocked(m); err != nil {
			l.waitLocked(m, now.Add(l.pace.maxDelay))
		}
	case next.After == 0:
		l.setByClockLocked(m, true)
		again(&m.task)
	default:
		l.setByClockLocked(m, true)
		l.waitLocked(m, l.togetherLocked(now, next.After))
	}
}

// goesIdle tells that a service found nothing, or a few bytes after a silence: the next bytes
// may be far away.
func (m *Member) goesIdle(next stream.Next) bool {
	return !next.Ended && !next.Backoff && !next.Parked && !next.Commands && (next.Idle || next.After > 0 && !m.byClock && !next.Busy)
}

// togetherLocked gives the time of a busy stream's next service. Streams that have the common
// pause are serviced together: a wake-up of the Go runtime costs several times as much as a
// service.
func (l *Loop) togetherLocked(now time.Time, pause time.Duration) time.Time {
	if wished := l.pace.pause(now); pause >= wished && wished > tick {
		return l.align(now.Add(pause/2), wished)
	}
	return l.align(now.Add(pause), tick)
}

// align gives the next multiple of grid after t, on the monotonic clock.
func (l *Loop) align(t time.Time, grid time.Duration) time.Time {
	return l.start.Add((t.Sub(l.start)/grid + 1) * grid)
}

// setByClockLocked notes whether the clock has a stream serviced.
func (l *Loop) setByClockLocked(m *Member, byClock bool) {
	if m.byClock == byClock {
		return
	}
	m.byClock = byClock
	if byClock {
		l.pace.busy++
		l.disarmLocked(m)
	} else {
		l.pace.busy--
	}
}

// waitLocked leaves a stream to the clock until it is due.
func (l *Loop) waitLocked(m *Member, due time.Time) {
	m.due, m.place = due, Waiting
	heap.Push(&l.waiting, m)
	l.setTimerLocked(time.Now())
}
