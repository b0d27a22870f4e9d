package worker

import (
	"runtime"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/pump"
	"sluice/core/shortage"
)

// Thread is one operating-system thread of a pool. A task gets it as its argument
// and may use it until it returns.
type Thread struct {
	pool   *Pool
	rights rights
	host   Identity // what the thread was started with
	// scratch is for looking into pipes. It is made while the thread still has the host's
	// rights, with which its pipe may be larger.
	scratch pump.Scratch

	since  time.Time // when the thread last came out of waiting
	queue  *queue    // of task
	task   *Task
	closed bool // the pool was closed when the task was given
	// started says that the thread has looked for work once.
	started bool
	// turn counts the tasks, seen is the one at the last look, and long says that two looks
	// found the same one.
	turn, seen uint64
	long       bool
}

// AsHost runs f with the identity of the process itself (but without its capabilities), for
// the state directory, which belongs to the process. Then the task's identity is back.
func (t *Thread) AsHost(f func() error) (err error) {
	task := t.rights.now
	if err := t.rights.take(t.host); err != nil {
		return err
	}
	defer func() { // also after a fault in f
		if back := t.rights.take(task); back != nil {
			err = back
		}
	}()
	return f()
}

// Scratch is the thread's own, for as long as the task runs.
func (t *Thread) Scratch() *pump.Scratch { return &t.scratch }

// Commands says that a task may run commands of its stream's policy on the thread: nothing
// else waits for it.
func (t *Thread) Commands() bool { return t != nil && t.pool.commands }

// serve runs tasks until the pool is closed.
func (t *Thread) serve() {
	defer t.pool.ended.Done()
	defer t.scratch.Close()
	// Never unlocked: the thread's credentials and priority end with it. Go starts no
	// thread from a locked one (runtime.newm), so none inherits them.
	runtime.LockOSThread()
	broken := t.prepare()
	for t.pool.next(t) {
		if shortage.Is(broken) {
			broken = t.prepare()
		}
		t.run(broken)
	}
}

// prepare makes the thread harmless. Every task of the thread is given its error.
func (t *Thread) prepare() error {
	if t.pool.polite {
		yieldToOthers()
	}
	if !t.pool.background {
		_ = t.scratch.Open() // where there is no descriptor now, the first look tries again
	}
	var err error
	if t.rights, err = own(); err != nil {
		return err
	}
	t.host = t.rights.now
	return shedCapabilities(t.pool.kept)
}

// run runs the task in hand. A panic in it ends the task, not the host.
func (t *Thread) run(broken error) {
	defer func() {
		if r := recover(); r != nil {
			t.pool.panics.Add(1)
			t.pool.log.Error("fault in a worker; the task was ended", "panic", r, "stack", string(debug.Stack()))
		}
	}()
	err := broken
	if t.closed {
		err = ErrClosed
	}
	if err == nil {
		err = t.rights.take(t.task.As)
	}
	t.task.Run(t, err)
}

// yieldToOthers gives the calling thread nice 19 and the idle class of disk I/O
// (ioprio_set(2)). If the kernel refuses, the work is merely less polite.
func yieldToOthers() {
	const (
		ioprioWhoProcess = 1
		ioprioClassIdle  = 3
		ioprioClassShift = 13
		lowest           = 19
	)
	tid := unix.Gettid()
	_ = unix.Setpriority(unix.PRIO_PROCESS, tid, lowest)
	_, _, _ = unix.RawSyscall(unix.SYS_IOPRIO_SET, ioprioWhoProcess, uintptr(tid), ioprioClassIdle<<ioprioClassShift)
}
