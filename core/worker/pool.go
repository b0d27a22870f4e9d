package worker

import (
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
)

// Limits of a pool.
const (
	// PerDevice threads at most work on one file system at a time, so that one
	// that hangs holds no more than these.
	PerDevice = 4
	// Total threads of a pool: with a PerDevice of 4, seven file systems may hang
	// at once before the others notice.
	Total = 32
	// manyDevices is how many empty queues are kept for the next use.
	manyDevices = 64
)

// Task is a piece of work on the files of one sandbox. It is embedded in what it
// works for and submitted again and again without allocation; while it is
// submitted its members must not change.
type Task struct {
	// Run does the work, on a thread that has the identity As. If the identity
	// could not be taken, Run gets the error and must not touch the sandbox. The
	// task may be submitted again from within Run; it is then run after return.
	Run func(t *Thread, err error)
	// As is whose rights the work needs.
	As Identity
	// Device is the file system that the work may hang in.
	Device uint64

	next *Task
}

// Pool is a set of worker threads. Its methods may be called concurrently.
type Pool struct {
	log        *slog.Logger
	background bool
	panics     atomic.Int64

	mu       sync.Mutex
	devices  map[uint64]*queue
	runnable []*queue // queues with work whose share of threads is not used up
	idle     []*Thread
	threads  int
	closed   bool
}

// queue is the work on one file system, in order of submission.
type queue struct {
	device     uint64
	head, tail *Task
	running    int
	listed     bool // in Pool.runnable
}

// NewPool makes an empty pool; threads start when there is work. A pool of
// background work runs at the lowest priority of processor and disk.
func NewPool(log *slog.Logger, background bool) *Pool {
	return &Pool{log: log, background: background, devices: map[uint64]*queue{}}
}

// Panics counts the tasks that were ended by a panic.
func (p *Pool) Panics() int64 { return p.panics.Load() }

// ErrClosed is what a task gets that was submitted to a pool that is closed.
var ErrClosed = errors.New("the worker threads have been stopped")

// Submit queues a task. It never blocks; after Close the task is told ErrClosed, on
// the caller's thread.
func (p *Pool) Submit(task *Task) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		task.Run(nil, ErrClosed)
		return
	}
	defer p.mu.Unlock()
	q := p.devices[task.Device]
	if q == nil {
		q = &queue{device: task.Device}
		p.devices[task.Device] = q
	}
	q.push(task)
	p.list(q)
	p.engage()
}

// Close lets the threads end once they are idle. What is queued is told ErrClosed.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, t := range p.idle {
		p.threads--
		close(t.wake)
	}
	p.idle = nil
}

// list makes q known to threads that look for work.
func (p *Pool) list(q *queue) {
	if !q.listed && q.head != nil && q.running < p.share() {
		q.listed = true
		p.runnable = append(p.runnable, q)
	}
}

// share is how many threads one file system may hold: more than there are
// processors only cost switches.
func (p *Pool) share() int {
	if p.background {
		return max(1, min(PerDevice, runtime.NumCPU()/2))
	}
	return min(PerDevice, runtime.NumCPU())
}

// engage puts a thread on the first work, if there are both.
func (p *Pool) engage() {
	if len(p.runnable) == 0 {
		return
	}
	if n := len(p.idle); n > 0 {
		t := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.assign(t)
		t.wake <- struct{}{}
		return
	}
	if p.threads < Total {
		p.threads++
		t := &Thread{pool: p, wake: make(chan struct{}, 1)}
		p.assign(t)
		go t.serve()
	}
}

// assign gives t the first task of the first runnable queue; there must be one.
// The queues, and so the file systems, take turns.
func (p *Pool) assign(t *Thread) {
	q := p.runnable[0]
	p.runnable = append(p.runnable[:0], p.runnable[1:]...)
	q.listed = false
	t.queue, t.task = q, q.pop()
	q.running++
	t.closed = p.closed
	p.list(q)
}

// settle takes back what t has worked on and gives it the next task. It reports
// false where there is none; t is then idle until woken, or should end.
func (p *Pool) settle(t *Thread) (more, end bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := t.queue
	q.running--
	t.queue, t.task = nil, nil
	p.list(q)
	if q.head == nil && q.running == 0 && len(p.devices) > manyDevices {
		delete(p.devices, q.device)
	}
	if len(p.runnable) > 0 {
		p.assign(t)
		// What is left may be another file system's, which must not wait for this.
		p.engage()
		return true, false
	}
	if p.closed || len(p.idle) >= PerDevice {
		p.threads--
		return false, true
	}
	p.idle = append(p.idle, t)
	return false, false
}

func (q *queue) push(task *Task) {
	task.next = nil
	if q.tail == nil {
		q.head = task
	} else {
		q.tail.next = task
	}
	q.tail = task
}

func (q *queue) pop() *Task {
	task := q.head
	q.head = task.next
	if q.head == nil {
		q.tail = nil
	}
	task.next = nil
	return task
}
