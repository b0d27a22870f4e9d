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
	// PerDevice threads at most work on one file system at a time, so that one
	// that hangs holds no more than these and Apart: one more for who has none of
	// them, and one for urgent work.
	PerDevice = 4
	Apart     = 2
	// Total threads of a pool: with six for each, five file systems may hang at
	// once before the others notice.
	Total = 32
	// Lent threads at most a file system has beyond those, for owners who have none under
	// way, in the place of as many that have been at one task for longer than lookEvery; none
	// once half of the pool is at work.
	Lent = 8
	// lookEvery is how often is looked for such, as long as somebody waits.
	lookEvery = 50 * time.Millisecond
	// BackgroundTotal threads has a pool for work in the background, and CommandTotal
	// one for work that runs commands.
	BackgroundTotal = 8
	CommandTotal    = 12
	// burst is how long one thread works off a queue alone: to wake another costs
	// more than the few short tasks that a tick of the clock brings.
	burst = time.Millisecond
	// manyDevices is how many empty queues are kept for the next use.
	manyDevices = 64
)

// ErrClosed is what a task gets that was submitted to a pool that is closed.
var ErrClosed = errors.New("the worker threads have been stopped")

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
	// Urgent work goes before what is queued: a launch waits for it. There must be
	// little of it.
	Urgent bool
	// Owner is whom the work is for, such as a container: one alone never holds all
	// threads of a file system. 0 is nobody.
	Owner uint64

	next *Task
}

// Waiter is where the threads of a pool wait while there is nothing to do. As long
// as the pool is open one thread waits there, however many hang in file systems, so
// that it can be the place where work comes from (Pool.Queue).
type Waiter interface {
	// Wait blocks until there may be work.
	Wait()
	// Wake makes one Wait return, a later one if nobody waits. It must not block.
	Wake()
	// End makes every Wait return, now and from now on.
	End()
}

// Pool is a set of worker threads. Its methods may be called concurrently.
type Pool struct {
	log      *slog.Logger
	most     int  // threads
	share    int  // of them, for one queue
	apart    bool // one more of them for another owner, and one for urgent work
	polite   bool // of the lowest priority
	commands bool
	// background work moves nothing out of pipes.
	background bool
	kept       uint32 // capabilities of its threads
	waiter     Waiter
	guard      *guard.Guard // of the threads themselves
	panics     atomic.Int64
	ended      sync.WaitGroup // threads

	mu       sync.Mutex
	devices  map[uint64]*queue
	runnable []*queue // queues with work whose share of threads is not used up
	idle     int      // threads that wait
	starting int      // threads that have not looked for work yet
	threads  int
	closed   bool
	all      []*Thread
	busy     int         // threads that have a task
	look     *time.Timer // of lookForLong, nil before the first
	looking  bool        // it will be called
}

// NewPool makes a pool whose threads wait at waiter. They start when there is work, and
// are kept: what has once been had is not asked for again, in a moment in which a task
// has taken all processes that there are.
func NewPool(log *slog.Logger, waiter Waiter) *Pool {
	// More threads than there are processors only cost switches.
	return &Pool{log: log, kept: kept, most: Total, share: min(PerDevice, runtime.NumCPU()), apart: true, waiter: waiter, guard: guard.New(log), devices: map[uint64]*queue{}}
}

// NewBackgroundPool makes a pool of few threads, with the lowest priority of processor
// and disk.
func NewBackgroundPool(log *slog.Logger) *Pool {
	p := NewOvertimePool(log)
	p.polite = true
	return p
}

// NewOvertimePool makes a pool of few threads, for work in the background that has
// been put off for too long.
func NewOvertimePool(log *slog.Logger) *Pool {
	p := NewPool(log, newTokens())
	p.background = true
	p.most, p.share, p.apart = BackgroundTotal, max(1, min(PerDevice, runtime.NumCPU()/2)), false
	return p
}

// NewCommandPool makes a pool for work that may run commands of a task's, which take
// their time: one at a time for each queue, of which each container has its own
// (Task.Device). Nothing that is no command waits for its threads.
func NewCommandPool(log *slog.Logger) *Pool {
	p := NewPool(log, newTokens())
	p.most, p.share, p.apart, p.commands = CommandTotal, 1, false, true
	return p
}

// KeepFileRights lets the threads keep what root may do with files, where the process is
// root. It is for a process whose only files are those that its user has named himself, and is
// called before anything else.
func (p *Pool) KeepFileRights() { p.kept = kept | fileRights }

// Panics counts the tasks that were ended by a panic.
func (p *Pool) Panics() int64 { return p.panics.Load() + p.guard.Caught() }

// Start makes a first thread wait, for a waiter where work comes from.
func (p *Pool) Start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.grow()
}

// Submit queues a task and sees to it that a thread takes it. It never blocks. After
// Close the task is told ErrClosed, on the caller's thread.
func (p *Pool) Submit(task *Task) {
	if !p.queue(task, true) {
		task.Run(nil, ErrClosed)
	}
}

// Queue is Submit for callers within Waiter.Wait or Task.Run: their own thread comes
// for the task next, and wakes others only if there is more. After Close it does
// nothing.
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

// Close lets the threads end. What is queued is told ErrClosed.
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

// engage wakes a thread, or starts one. One that is on its way sees all that there is, and
// engages the next: on a busy machine many calls are made until it comes, and what is
// started is kept.
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

// unlocked gives the lock up while f runs, and has it again afterwards, whatever f does.
func (p *Pool) unlocked(f func()) {
	p.mu.Unlock()
	defer p.mu.Lock()
	f()
}

// wantsHelp tells whether what is left is too much for t, or another file system's,
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

// settle takes back what t has worked on, if it has.
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
