package engine

import (
	"container/heap"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/pump"
	"sluice/core/stream"
	"sluice/core/throttle"
	"sluice/core/worker"
)

const (
	// tick is to what visits are aligned at least.
	tick = 500 * time.Microsecond
	// patience is how often, with doubling pauses, a stream that was busy is looked
	// at by the clock and found empty before it counts as idle: 62 ms in all.
	patience = 5
)

// scheduler decides when a stream is looked at. Idle streams are armed in an epoll
// set; busy ones are visited by the clock. (Go's own poller registers
// edge-triggered, and the kernel wakes it at every write of a container.)
//
// A stream that is busy is not in the epoll set at all: once a pipe is polled, every
// write of the container runs the callbacks of whoever is registered, also of a
// disarmed EPOLLONESHOT (pipe_write and poll_usage in fs/pipe.c). Measured, lines of
// 100 bytes: a writer is 25 % faster without, and 10 % more if its pipe was never
// polled, which is why a new stream is first looked at by the clock.
//
// The workers themselves wait in the epoll set: from wake-up to splice there is no
// hand-off between threads.
//
// A stream is in exactly one place: armed in the epoll set, waiting in the heap, parked
// until its last compression is done, or with the worker pool. So it is never visited twice at the same time.
type scheduler struct {
	pool *worker.Pool
	// commands makes the visits that may run commands of a policy, which take their time.
	commands *worker.Pool
	ended    func(*entry)
	start    time.Time
	wakeups  atomic.Int64
	panics   atomic.Int64
	onVisit  func(*entry) // called before each visit; tests and builds with faults set it
	visited  func(*entry) // called after each visit that was not the last; may be nil
	epoll    int
	timer    int
	wake     int // eventfd
	stop     int // eventfd

	asked func() // somebody connects; see listen

	mu      sync.Mutex
	waiting dueHeap
	wakeAt  time.Time // what the timer is set to; zero: not set
	entries map[int32]*entry
	next    int32
	pace    pace
	closed  bool
}

// entry is a stream with its place in the scheduler. Its members belong to whoever
// has it: the scheduler under its lock, or the worker thread.
type entry struct {
	id       string // in the state directory
	box      *sharedSandbox
	task     worker.Task
	device   uint64 // of the sandbox; task has it but where commands are run
	stream   *stream.Stream
	key      int32     // in the epoll set
	due      time.Time // while waiting
	last     time.Time // when the last visit ended
	byClock  bool      // the last visit was one of a busy stream
	patience int       // looks that may find nothing before it is idle
	armed    bool      // the epoll set will tell; nobody else has the entry
	parked   bool      // unpark will tell; nobody else has the entry
	unparked bool      // it has told, since the last visit began
	nudged   bool      // somebody wants a visit, since the last began
	inSet    bool      // the pipe is in the epoll set, armed or not
	isNew    bool      // its record was not saved yet
	holding  *holding  // its part of the budget; nil where there is none
	// introduction is guarded by writing.
	introduction introduction
	writing      sync.Mutex
	broken       bool             // a fault left the stream in an unknown state
	faulted      time.Time        // when its last fault was
	faults       throttle.Reports // of their reports
	lingers      bool             // its container has ended; compressions are awaited
}

// newScheduler opens the scheduler's descriptors; it has visits made by the workers
// that wait in it.
func newScheduler(maxDelay time.Duration, ended func(*entry)) (*scheduler, error) {
	s := &scheduler{
		pace: pace{maxDelay: maxDelay}, ended: ended, onVisit: injected, start: time.Now(),
		epoll: -1, timer: -1, wake: -1, stop: -1, entries: map[int32]*entry{},
	}
	if err := s.openDescriptors(); err != nil {
		s.closeDescriptors()
		return nil, err
	}
	return s, nil
}

// dispatch hands what the kernel or the clock brought to the pool, whose thread runs
// it.
func (s *scheduler) dispatch(events []unix.EpollEvent, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range events {
		switch key := events[i].Fd; key {
		case stopKey, wakeKey:
		case timerKey:
			s.wakeAt = time.Time{}
		case listenKey:
			s.asked()
		default:
			if e := s.entries[key]; e != nil {
				s.ready(e, now, events[i].Events&unix.EPOLLHUP != 0)
			}
		}
	}
	for len(s.waiting) > 0 && !s.waiting[0].due.After(now) {
		s.pool.Queue(&heap.Pop(&s.waiting).(*entry).task)
	}
	s.setTimer(now)
}

// ready handles the first bytes after a silence: they are moved at once, unless the
// silence was shorter than a pause; then the stream is busy.
func (s *scheduler) ready(e *entry, now time.Time, hangup bool) {
	if !e.armed {
		return // nudged since the kernel saw it
	}
	e.armed = false
	at := e.last.Add(s.pace.pause(now))
	if hangup || !now.Before(at) {
		s.pace.looked(now)
		s.pool.Queue(&e.task)
		return
	}
	s.setByClock(e, true)
	s.wait(e, at)
}

// nudge has a stream visited that is idle, or that is being visited and will be idle. One
// that waits for the clock is visited soon anyway.
func (s *scheduler) nudge(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.nudged = true
	if (e.armed || e.parked) && !s.closed {
		e.armed, e.parked = false, false
		s.pool.Submit(&e.task)
	}
}

// unpark has a stream visited that has ended and waits for its compressions. Where it
// does not wait yet, its next visit may have to begin with that.
func (s *scheduler) unpark(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.unparked = true
	if e.parked && !s.closed {
		e.parked = false
		s.pool.Submit(&e.task)
	}
}

// add takes a new stream, to be looked at soon.
func (s *scheduler) add(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return // the next owner finds it
	}
	s.next = (s.next + 1) & 0x7fffffff
	for s.entries[s.next] != nil {
		s.next = (s.next + 1) & 0x7fffffff
	}
	e.key = s.next
	e.patience = patience
	e.task.Run = func(t *worker.Thread, refused error) { s.visit(e, t, refused) }
	s.entries[e.key] = e
	s.wait(e, s.align(time.Now().Add(min(pump.ShortestPause, s.pace.maxDelay)), tick))
}

// visit runs on a worker thread.
func (s *scheduler) visit(e *entry, t *worker.Thread, refused error) {
	wished, open := s.begin(e)
	if !open {
		return
	}
	next := s.guarded(e, t, refused, wished)
	if next.Ended {
		s.remove(e)
		s.ended(e)
		return
	}
	defer s.settle(e, next, t.Commands()) // also after a fault in what is told of the visit
	if s.visited != nil {
		s.visited(e)
	}
}

// begin tells the pause that the load of the process asks for; open is false where no
// stream is visited any more.
func (s *scheduler) begin(e *entry) (wished time.Duration, open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.unparked, e.nudged = false, false
	return s.pace.pause(time.Now()), !s.closed
}

func (s *scheduler) remove(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setByClock(e, false)
	delete(s.entries, e.key) // closing the pipe took it out of the epoll set
}

// settle puts a stream where its last visit says. away tells that the thread is none of
// the pool that waits for pipes, and does not come for what is queued there.
func (s *scheduler) settle(e *entry, next stream.Next, away bool) {
	again := s.pool.Queue
	if away {
		again = s.pool.Submit
	}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	e.last = now
	e.task.Device = e.device
	if next.Much {
		e.patience = patience
	}
	switch {
	case s.closed:
	case next.Commands:
		s.setByClock(e, true)
		e.task.Device = commandQueue(e.box)
		s.commands.Submit(&e.task)
	case next.Parked && e.unparked, e.nudged && (next.Parked || s.rests(e, next)):
		again(&e.task)
	case next.Parked:
		s.setByClock(e, false)
		e.parked = true
	case next.Held:
		s.wait(e, now.Add(next.After))
	case next.Idle && e.patience > 0 && s.pace.maxDelay > 0:
		pause := pump.ShortestPause << (patience - e.patience)
		e.patience--
		s.wait(e, s.align(now.Add(min(pause, s.pace.maxDelay)), tick))
	case s.rests(e, next):
		// A few bytes after a silence need not mean that more come.
		s.setByClock(e, false)
		if err := s.arm(e); err != nil {
			s.wait(e, now.Add(s.pace.maxDelay))
		}
	case next.After == 0:
		s.setByClock(e, true)
		again(&e.task)
	default:
		s.setByClock(e, true)
		s.wait(e, s.soon(now, next.After))
	}
}

// rests tells that a visit ended with nothing, or with a few bytes after a silence: the
// next may be far away.
func (s *scheduler) rests(e *entry, next stream.Next) bool {
	return !next.Ended && !next.Held && !next.Parked && !next.Commands && (next.Idle || next.After > 0 && !e.byClock && !next.Much)
}

// soon gives the time to visit a busy stream again. Streams whose pause is the common
// one are visited together: a wake-up of the Go runtime costs several times what a
// visit does.
func (s *scheduler) soon(now time.Time, pause time.Duration) time.Time {
	if wished := s.pace.pause(now); pause >= wished && wished > tick {
		return s.align(now.Add(pause/2), wished)
	}
	return s.align(now.Add(pause), tick)
}

// align gives the next multiple of grid after t, on the monotonic clock.
func (s *scheduler) align(t time.Time, grid time.Duration) time.Time {
	return s.start.Add((t.Sub(s.start)/grid + 1) * grid)
}

// setByClock makes a stream one that is visited by the clock, or not.
func (s *scheduler) setByClock(e *entry, byClock bool) {
	if e.byClock == byClock {
		return
	}
	e.byClock = byClock
	if byClock {
		s.pace.busy++
		s.disarm(e)
	} else {
		s.pace.busy--
	}
}

// wait puts e into the heap.
func (s *scheduler) wait(e *entry, due time.Time) {
	e.due = due
	heap.Push(&s.waiting, e)
	s.setTimer(time.Now())
}

// close stops the visits that are not under way. The workers must have ended before
// release.
func (s *scheduler) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// release gives up the descriptors. The streams are then nobody's.
func (s *scheduler) release() { s.closeDescriptors() }
