package engine

import (
	"container/heap"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/pump"
	"sluice/core/stream"
	"sluice/core/worker"
)

// looksPerSecond is the budget of the whole process: when more streams are busy
// than it allows at the shortest pause, each of them pauses longer.
const looksPerSecond = 2000

// scheduler decides when a stream is looked at. Idle streams are armed, once each,
// in an epoll set; busy ones are visited by the clock. (Go's own poller registers
// edge-triggered, and the kernel wakes it at every write of a container.)
//
// A stream is in exactly one place: armed in the epoll set, waiting in the heap, or
// with the worker pool. So it is never visited twice at the same time.
type scheduler struct {
	pool     *worker.Pool
	maxDelay time.Duration
	ended    func(*entry)
	start    time.Time
	wakeups  atomic.Int64
	epoll    int
	timer    int
	stop     int // eventfd
	done     chan struct{}

	mu      sync.Mutex
	waiting dueHeap
	wakeAt  time.Time // what the timer is set to; zero: not set
	entries map[int32]*entry
	next    int32
	busy    int // entries that are visited by the clock because they are chatty
	closed  bool
	visits  sync.WaitGroup
}

// entry is a stream with its place in the scheduler. Its members belong to whoever
// has it: the scheduler under its lock, or the worker thread.
type entry struct {
	id      string // in the state directory
	box     *sharedSandbox
	task    worker.Task
	stream  *stream.Stream
	key     int32     // in the epoll set
	due     time.Time // while waiting
	last    time.Time // when the last visit ended
	byClock bool      // the last visit was one of a busy stream
	armed   bool      // the epoll set will tell; nobody else has the entry
	inSet   bool      // the pipe is in the epoll set, armed or not
}

func newScheduler(pool *worker.Pool, maxDelay time.Duration, ended func(*entry)) (*scheduler, error) {
	s := &scheduler{
		pool: pool, maxDelay: maxDelay, ended: ended, start: time.Now(), epoll: -1, timer: -1, stop: -1,
		done: make(chan struct{}), entries: map[int32]*entry{},
	}
	if err := s.openDescriptors(); err != nil {
		s.closeDescriptors()
		return nil, err
	}
	go s.run()
	return s, nil
}

// run hands streams to the workers when the pipe or the clock says so, until close.
func (s *scheduler) run() {
	defer close(s.done)
	events := make([]unix.EpollEvent, 256)
	for {
		n, err := unix.EpollWait(s.epoll, events, -1)
		if err != nil && err != unix.EINTR {
			return // the set is closed
		}
		s.wakeups.Add(1)
		if s.dispatch(events[:max(n, 0)], time.Now()) {
			return
		}
	}
}

// dispatch handles one wake-up; it reports whether to end.
func (s *scheduler) dispatch(events []unix.EpollEvent, now time.Time) (end bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range events {
		switch key := events[i].Fd; key {
		case stopKey:
			return true
		case timerKey:
			s.wakeAt = time.Time{}
		default:
			if e := s.entries[key]; e != nil {
				s.ready(e, now, events[i].Events&unix.EPOLLHUP != 0)
			}
		}
	}
	for len(s.waiting) > 0 && !s.waiting[0].due.After(now) {
		s.pool.Submit(&heap.Pop(&s.waiting).(*entry).task)
	}
	s.setTimer(now)
	return false
}

// ready handles the first bytes after a silence: they are moved at once, unless the
// silence was shorter than a pause; then the stream is busy.
func (s *scheduler) ready(e *entry, now time.Time, hangup bool) {
	if !e.armed {
		return // nudged since the kernel saw it
	}
	e.armed = false
	at := e.last.Add(s.wished())
	if hangup || !now.Before(at) {
		s.pool.Submit(&e.task)
		return
	}
	s.setByClock(e, true)
	s.wait(e, at)
}

// nudge has a stream visited that is idle. One that is not is visited soon anyway.
func (s *scheduler) nudge(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.armed && !s.closed {
		e.armed = false
		s.pool.Submit(&e.task)
	}
}

// wished is the pause that the number of busy streams asks for.
func (s *scheduler) wished() time.Duration {
	share := time.Duration(s.busy) * time.Second / looksPerSecond
	return min(max(pump.ShortestPause, share), s.maxDelay)
}

// add takes a new stream and looks at it for the first time. It is put into the
// epoll set only when it is idle: the kernel reports a hang-up also of a descriptor
// that is registered for no event.
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
	e.task.Run = func(t *worker.Thread, refused error) { s.visit(e, t, refused) }
	s.entries[e.key] = e
	s.pool.Submit(&e.task)
}

// visit runs on a worker thread.
func (s *scheduler) visit(e *entry, t *worker.Thread, refused error) {
	s.mu.Lock()
	closed, wished := s.closed, s.wished()
	if !closed {
		s.visits.Add(1)
	}
	s.mu.Unlock()
	if closed {
		return
	}
	defer s.visits.Done()
	next := e.stream.Visit(t, refused, time.Now(), wished)
	if next.Ended {
		s.remove(e)
		s.ended(e)
		return
	}
	s.settle(e, next)
}

func (s *scheduler) remove(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setByClock(e, false)
	delete(s.entries, e.key) // closing the pipe took it out of the epoll set
}

// settle puts a stream where its last visit says.
func (s *scheduler) settle(e *entry, next stream.Next) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	e.last = now
	switch {
	case s.closed:
	case next.Held:
		s.wait(e, now.Add(next.After))
	case next.Idle || next.After > 0 && !e.byClock:
		// Bytes after a silence need not mean that more come.
		s.setByClock(e, false)
		if err := s.arm(e); err != nil {
			s.wait(e, now.Add(s.maxDelay))
		}
	case next.After == 0:
		s.setByClock(e, true)
		s.pool.Submit(&e.task)
	default:
		s.wait(e, s.align(now.Add(next.After)))
	}
}

// tick is to what visits are aligned, so that one wake-up serves many streams.
const tick = 500 * time.Microsecond

// align gives the next tick after t, on the monotonic clock.
func (s *scheduler) align(t time.Time) time.Time {
	return s.start.Add((t.Sub(s.start)/tick + 1) * tick)
}

func (s *scheduler) setByClock(e *entry, byClock bool) {
	if e.byClock != byClock {
		e.byClock = byClock
		if byClock {
			s.busy++
		} else {
			s.busy--
		}
	}
}

// wait puts e into the heap.
func (s *scheduler) wait(e *entry, due time.Time) {
	e.due = due
	heap.Push(&s.waiting, e)
	s.setTimer(time.Now())
}

// close stops the scheduler and waits for the visits that are under way. The
// streams are then nobody's.
func (s *scheduler) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	one := [8]byte{1}
	_, _ = unix.Write(s.stop, one[:])
	<-s.done
	s.visits.Wait()
	s.closeDescriptors()
}
