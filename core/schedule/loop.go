// Package schedule decides when a stream is serviced: an idle one when the kernel says that
// something is in its pipe, a busy one by the clock. It moves no byte itself, and starts no
// thread: the worker threads wait in its epoll set.
package schedule

import (
	"container/heap"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/pump"
	"sluice/core/worker"
)

const (
	// tick is the finest grid to which services of busy streams are aligned.
	tick = 500 * time.Microsecond
	// idleProbes is how many services in a row, at doubling pauses, may find nothing at a
	// busy stream before it counts as idle: 62 ms in all.
	idleProbes = 5
)

// Loop services the streams of one owner. Idle streams are armed in an epoll set; busy
// ones are serviced by the clock. (Go's own poller registers edge-triggered, and the
// kernel wakes it at every write of a container.)
//
// A stream that is busy is not in the epoll set at all: once a pipe is polled, every
// write of the container runs the callbacks of whoever is registered, even of a
// disarmed EPOLLONESHOT (pipe_write and poll_usage in fs/pipe.c). Measured with lines
// of 100 bytes, a writer is 25 % faster without, and 10 % more if its pipe was never
// polled. That is why the clock services a new stream first.
//
// The workers themselves wait in the epoll set: from wake-up to splice there is no
// hand-off between threads.
//
// A stream is in exactly one Place, so it is never serviced twice at the same time.
// The methods of a Loop may be called concurrently.
type Loop struct {
	pool     *worker.Pool
	commands *worker.Pool // for services that may run commands, which take their time
	start    time.Time
	wakeups  atomic.Int64
	panics   atomic.Int64
	epoll    int
	timer    int
	wake     int // eventfd
	stop     int // eventfd

	asked func() // somebody connects; see Listen

	mu      sync.Mutex
	waiting dueHeap
	wakeAt  time.Time // what the timer is set to; zero: not set
	members map[int32]*Member
	next    int32
	pace    pace
	closed  bool
}

// New opens the descriptors of a loop. Its streams wait at most maxDelay between a write and a
// service. Serve gives it threads.
func New(maxDelay time.Duration) (*Loop, error) {
	l := &Loop{
		pace: pace{maxDelay: maxDelay}, start: time.Now(),
		epoll: -1, timer: -1, wake: -1, stop: -1, members: map[int32]*Member{},
	}
	if err := l.openDescriptors(); err != nil {
		l.closeDescriptors()
		return nil, err
	}
	return l, nil
}

// Serve says which threads service the streams: those of pool, which waits in the loop
// (worker.Waiter), and those of commands where commands may run. It is called once, before
// Add and before the pools start.
func (l *Loop) Serve(pool, commands *worker.Pool) { l.pool, l.commands = pool, commands }

// Panics counts the services that ended in a panic.
func (l *Loop) Panics() int64 { return l.panics.Load() }

// Wakeups counts how often a thread came out of Wait.
func (l *Loop) Wakeups() int64 { return l.wakeups.Load() }

// Add takes a new stream, to be serviced soon. After Close it is left to the next owner.
func (l *Loop) Add(m *Member) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.next = (l.next + 1) & 0x7fffffff
	for l.members[l.next] != nil {
		l.next = (l.next + 1) & 0x7fffffff
	}
	m.key = l.next
	m.probes = idleProbes
	m.task.Run = func(t *worker.Thread, refused error) { l.service(m, t, refused) }
	l.members[m.key] = m
	l.waitLocked(m, l.align(time.Now().Add(min(pump.ShortestPause, l.pace.maxDelay)), tick))
}

// Nudge has a stream serviced that is idle or parked, or would be at the end of the present
// service. One that waits for the clock is serviced soon anyway.
func (l *Loop) Nudge(m *Member) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m.nudged = true
	if (m.place == Armed || m.place == Parked) && !l.closed {
		m.place = InHand
		l.pool.Submit(&m.task)
	}
}

// Unpark has an ended stream serviced that waits for its compressions. If it is in hand, it
// is serviced once more instead of being parked.
func (l *Loop) Unpark(m *Member) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m.unparked = true
	if m.place == Parked && !l.closed {
		m.place = InHand
		l.pool.Submit(&m.task)
	}
}

// Count tells how many streams are in a place.
func (l *Loop) Count(in Place) (count int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.members {
		if m.place == in {
			count++
		}
	}
	return count
}

// Close begins no new service. The worker threads must have ended before Release.
func (l *Loop) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// Release closes the descriptors of the loop. The pipes stay open: they are the streams'.
func (l *Loop) Release() { l.closeDescriptors() }

// dispatch hands what the kernel or the clock brought to the pool, on one of whose threads it
// runs.
func (l *Loop) dispatch(events []unix.EpollEvent, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range events {
		switch key := events[i].Fd; key {
		case stopKey, wakeKey:
		case timerKey:
			l.wakeAt = time.Time{}
		case listenKey:
			l.asked()
		default:
			if m := l.members[key]; m != nil {
				l.readyLocked(m, now, events[i].Events&unix.EPOLLHUP != 0)
			}
		}
	}
	for len(l.waiting) > 0 && !l.waiting[0].due.After(now) {
		m := heap.Pop(&l.waiting).(*Member)
		m.place = InHand
		l.pool.Queue(&m.task)
	}
	l.setTimerLocked(now)
}

// readyLocked handles the first bytes after a silence. They are moved at once, unless the
// silence was shorter than a pause: then the stream is busy.
func (l *Loop) readyLocked(m *Member, now time.Time, hangup bool) {
	if m.place != Armed {
		return // nudged since the kernel saw it
	}
	m.place = InHand
	at := m.last.Add(l.pace.pause(now))
	if hangup || !now.Before(at) {
		l.pace.polled(now)
		l.pool.Queue(&m.task)
		return
	}
	l.setByClockLocked(m, true)
	l.waitLocked(m, at)
}

// begin gives the pause that the load of the process asks for; open is false once no stream
// is serviced any more.
func (l *Loop) begin(m *Member) (wished time.Duration, open bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m.unparked, m.nudged = false, false
	return l.pace.pause(time.Now()), !l.closed
}

func (l *Loop) remove(m *Member) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.setByClockLocked(m, false)
	delete(l.members, m.key) // closing the pipe took it out of the epoll set
}
