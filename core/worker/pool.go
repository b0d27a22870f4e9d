package worker

import (
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"sluice/core/guard"
)

// Limits of a pool.
const (
	// PerDevice is how many threads work on one file system at a time. If it hangs, it
	// holds no more than these and Apart: one more for an owner who has none of them,
	// and one for urgent work.
	PerDevice = 4
	Apart     = 2
	// Total is how many threads a pool has: with six for each, five file systems may
	// hang at once before the others notice.
	Total = 32
	// Lent is how many threads a file system may have beyond those, for owners who have none
	// under way. They stand in for as many that have been at one task for longer than
	// lookEvery. There are none once half of the pool is at work.
	Lent = 8
	// lookEvery is how often to look for such threads, as long as somebody waits.
	lookEvery = 50 * time.Millisecond
	// BackgroundTotal is how many threads a pool for work in the background has, and
	// CommandTotal one for work that runs commands.
	BackgroundTotal = 8
	CommandTotal    = 12
	// burst is how long one thread works off a queue alone: waking another costs more
	// than the few short tasks that a tick of the clock brings.
	burst = time.Millisecond
	// manyDevices is how many empty queues are kept for later use.
	manyDevices = 64
)

// ErrClosed is what a task gets from a closed pool.
var ErrClosed = errors.New("the worker threads have been stopped")

// Task is a piece of work on the files of one sandbox. Whoever needs it embeds it and submits
// it again and again without allocation; while it is submitted its members must not change.
type Task struct {
	// Run does the work, on a thread that has the identity As. If the identity could not
	// be taken, Run gets the error and must not touch the sandbox. Run may submit the task
	// again; it then runs once Run has returned.
	Run func(t *Thread, err error)
	// As is whose rights the work needs.
	As Identity
	// Device is the file system that the work may hang in.
	Device uint64
	// Urgent work goes before what is queued: a launch waits for it. There must be
	// little of it.
	Urgent bool
	// Owner is whom the work is for, such as a container: no single one ever holds all
	// threads of a file system. 0 is nobody.
	Owner uint64

	next *Task
}

// Waiter is where the threads of a pool wait while there is nothing to do. As long as the
// pool is open, one thread waits there, however many hang in file systems. So it can also be
// where work comes from (Pool.Queue).
type Waiter interface {
	// Wait blocks until there may be work.
	Wait()
	// Wake makes one Wait return, or the next one if nobody waits. It must not block.
	Wake()
	// End makes every Wait return, now and from now on.
	End()
}

// Pool is a set of worker threads. Its methods may be called concurrently.
type Pool struct {
	log      *slog.Logger
	most     int  // threads
	share    int  // of them for one queue
	apart    bool // one more for another owner, and one for urgent work
	polite   bool // of the lowest priority
	commands bool
	// background says that the pool's work moves nothing out of pipes.
	background bool
	kept       uint32 // capabilities of its threads
	waiter     Waiter
	guard      *guard.Guard // of the threads themselves
	panics     atomic.Int64
	ended      sync.WaitGroup // threads

	mu       sync.Mutex
	devices  map[uint64]*queue
	runnable []*queue // queues that have work, and threads left for it
	idle     int      // threads that wait
	starting int      // threads that have not looked for work yet
	threads  int
	closed   bool
	all      []*Thread
	busy     int         // threads that have a task
	look     *time.Timer // of lookForLong, nil before the first
	looking  bool        // the timer is running
}

// NewPool makes a pool whose threads wait at waiter. They start when there is work, and are
// kept: otherwise a new one might be needed at a moment when a task has taken all processes.
func NewPool(log *slog.Logger, waiter Waiter) *Pool {
	// More threads than there are processors only cost switches.
	return &Pool{log: log, kept: kept, most: Total, share: min(PerDevice, runtime.NumCPU()), apart: true, waiter: waiter, guard: guard.New(log), devices: map[uint64]*queue{}}
}

// NewBackgroundPool makes a pool of few threads with the lowest priority for processor and
// disk.
func NewBackgroundPool(log *slog.Logger) *Pool {
	p := NewOvertimePool(log)
	p.polite = true
	return p
}

// NewOvertimePool makes a pool of few threads, for background work that has been put off for
// too long.
func NewOvertimePool(log *slog.Logger) *Pool {
	p := NewPool(log, newTokens())
	p.background = true
	p.most, p.share, p.apart = BackgroundTotal, max(1, min(PerDevice, runtime.NumCPU()/2)), false
	return p
}

// NewCommandPool makes a pool for work that may run a task's commands, which take their time.
// It runs one at a time per queue, and each container has its own queue (Task.Device). Only
// work with commands waits for its threads.
func NewCommandPool(log *slog.Logger) *Pool {
	p := NewPool(log, newTokens())
	p.most, p.share, p.apart, p.commands = CommandTotal, 1, false, true
	return p
}

// KeepFileRights lets the threads keep root's rights on files, if the process is root. It is
// for a process that has no other files than those its user has named, and is called before
// anything else.
func (p *Pool) KeepFileRights() { p.kept = kept | fileRights }

// Panics counts the tasks that ended in a panic.
func (p *Pool) Panics() int64 { return p.panics.Load() + p.guard.Caught() }

// Start makes a first thread wait, in case the waiter is where work comes from.
func (p *Pool) Start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.grow()
}

// Submit queues a task and sees to it that a thread takes it. It never blocks. After Close the
// task gets ErrClosed, on the caller's thread.
func (p *Pool) Submit(task *Task) {
	if !p.queue(task, true) {
		task.Run(nil, ErrClosed)
	}
}

// Queue is Submit for callers within Waiter.Wait or Task.Run: their own thread takes the task
// next, and wakes others only if there is more. After Close it does nothing.
func (p *Pool) Queue(task *Task) { p.queue(task, false) }

func (p *Pool) queue(task *Task, wake bool) (open bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	q := p.devices[task.Device]
	if q == nil {
		q = &queue{device: task.Device}
		p.devices[task.Device] = q
	}
	q.push(task)
	p.list(q)
	if !q.listed {
		p.lookLater()
	}
	if wake && len(p.runnable) > 0 {
		p.engage()
	}
	return true
}

// Close lets the threads end. What is queued gets ErrClosed.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.waiter.End()
}

// Wait blocks until every thread has ended, after Close.
func (p *Pool) Wait() { p.ended.Wait() }

// list makes q known to threads that look for work.
func (p *Pool) list(q *queue) {
	if !q.listed && q.next(p.share, p.lent(q), p.apart) != nil {
		q.listed = true
		p.runnable = append(p.runnable, q)
	}
}

// engage wakes a thread, or starts one, unless one is starting already: that one sees all that
// there is, and engages the next. On a busy machine many calls come before it does, and
// threads, once started, are kept.
func (p *Pool) engage() {
	switch {
	case p.idle > 0:
		p.waiter.Wake()
	case p.starting == 0:
		p.grow()
	}
}

// grow starts a thread, unless there are too many.
func (p *Pool) grow() {
	if p.threads < p.most && !p.closed {
		p.threads++
		p.starting++
		p.ended.Add(1)
		t := &Thread{pool: p}
		p.all = append(p.all, t)
		p.guard.Go("run a worker thread", t.serve)
	}
}

// next gives t a task, for which it may wait. It reports false where t should end.
func (p *Pool) next(t *Thread) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !t.started {
		t.started = true
		p.starting--
	}
	p.settle(t)
	waited := false
	for len(p.runnable) == 0 {
		if p.closed {
			p.threads--
			return false
		}
		p.idle++
		p.unlocked(p.waiter.Wait)
		p.idle--
		waited = true
	}
	if waited {
		t.since = time.Now()
	}
	p.assign(t)
	if p.idle == 0 || p.wantsHelp(t) {
		p.engage() // with nobody idle this starts a thread, to wait for what comes
	}
	return true
}

// unlocked gives the lock up while f runs, and takes it again afterwards, whatever f does.
func (p *Pool) unlocked(f func()) {
	p.mu.Unlock()
	defer p.mu.Lock()
	f()
}

// wantsHelp tells whether what is left is too much for t, or belongs to another file system,
// which must not wait for this one.
func (p *Pool) wantsHelp(t *Thread) bool {
	if len(p.runnable) == 0 {
		return false
	}
	return len(p.runnable) > 1 || p.runnable[0] != t.queue || time.Since(t.since) > burst
}

// assign gives t the first task of the first runnable queue; there must be one.
// The queues, and so the file systems, take turns.
func (p *Pool) assign(t *Thread) {
	q := p.runnable[0]
	p.runnable = append(p.runnable[:0], p.runnable[1:]...)
	q.listed = false
	t.queue, t.task, t.closed = q, q.take(p.share, p.lent(q), p.apart), p.closed
	t.turn++
	p.busy++
	p.list(q)
	if q.head != nil {
		p.lookLater()
	}
}

// settle takes back what t has worked on, if anything.
func (p *Pool) settle(t *Thread) {
	q := t.queue
	if q == nil {
		return
	}
	q.done(t.task.Owner)
	if t.long {
		t.long = false
		q.long--
	}
	p.busy--
	t.queue, t.task = nil, nil
	p.list(q)
	if q.head == nil && q.running == 0 && len(p.devices) > manyDevices {
		delete(p.devices, q.device)
	}
}
