// Package reactor services streams, whoever owns them. It has the worker threads, the loop
// that says when to service, the compressions beside them, and the clock of policies that go
// by the calendar. No other package starts threads for streams; none of them runs while
// nothing is written.
package reactor

import (
	"log/slog"
	"os"
	"sync"
	"time"

	"sluice/core/compression"
	"sluice/core/guard"
	"sluice/core/pump"
	"sluice/core/rotation/script"
	"sluice/core/schedule"
	"sluice/core/worker"
)

// Config is what a reactor is made of.
type Config struct {
	// MaxDelay is the longest pause between a write and its service.
	MaxDelay time.Duration
	// ScriptTimeout is how long a command of a policy may take.
	ScriptTimeout time.Duration
	// FileRights keeps root's rights on files (worker.Pool.KeepFileRights).
	FileRights bool
	Guard      *guard.Guard
	Log        *slog.Logger
}

// Reactor services streams from Start to Close. Its methods may be called concurrently,
// except these two and those that are called after Close.
type Reactor struct {
	// Workers move bytes and rotate; Commands do so where a rotation runs commands.
	Workers, Commands *worker.Pool
	Loop              *schedule.Loop
	Compressions      *compression.Queue
	// Self is who the process is.
	Self worker.Identity

	scriptTimeout time.Duration
	environment   []string // of scripts
	stopping      chan struct{}
	calendar      calendar
	guard         *guard.Guard
	log           *slog.Logger
	lowered       sync.Once // for the log line on pipe capacities
}

// New makes a reactor whose threads do not run yet.
func New(config Config) (*Reactor, error) {
	self, err := worker.Self()
	if err != nil {
		return nil, err
	}
	loop, err := schedule.New(config.MaxDelay)
	if err != nil {
		return nil, err
	}
	r := &Reactor{
		Workers:       worker.NewPool(config.Log, loop),
		Commands:      worker.NewCommandPool(config.Log),
		Loop:          loop,
		Compressions:  compression.NewQueue(config.Log, config.Guard),
		Self:          self,
		scriptTimeout: config.ScriptTimeout,
		environment:   script.Environment(os.Environ()),
		stopping:      make(chan struct{}),
		guard:         config.Guard,
		log:           config.Log,
	}
	r.calendar = calendar{guard: config.Guard, loop: loop, members: map[*schedule.Member]tended{}}
	if config.FileRights {
		r.Workers.KeepFileRights()
		r.Commands.KeepFileRights()
		r.Compressions.KeepFileRights()
	}
	loop.Serve(r.Workers, r.Commands)
	return r, nil
}

// Start starts the threads.
func (r *Reactor) Start() { r.Workers.Start() }

// Run calls f on a worker thread and waits for its end, however it ends. work names it in the
// log of a panic.
func (r *Reactor) Run(task *worker.Task, work string, f func(*worker.Thread) error) error {
	done := make(chan error, 1)
	task.Run = func(t *worker.Thread, refused error) {
		err := refused
		defer func() { done <- err }()
		if err == nil {
			err = r.guard.Run(work, func() error { return f(t) })
		}
	}
	r.Workers.Submit(task)
	return <-done
}

// Enlarge gives a pipe the capacity of the settings, or what the kernel allows, and returns
// the capacity that it has then.
func (r *Reactor) Enlarge(pipe int, wishedBytes int64) int {
	wished := int(wishedBytes)
	capacity := pump.Enlarge(pipe, wished)
	if capacity < wished {
		r.lowered.Do(func() {
			r.log.Warn("the kernel gives less pipe capacity than pipe_capacity asks for; containers wait sooner while the agent is away",
				"wished", wished, "got", capacity, "see", "/proc/sys/fs/pipe-max-size and pipe-user-pages-soft")
		})
	}
	return capacity
}

// Stopping is closed by Close.
func (r *Reactor) Stopping() <-chan struct{} { return r.stopping }

// Panics counts the pieces of work that ended in a panic.
func (r *Reactor) Panics() int64 {
	return r.Workers.Panics() + r.Commands.Panics() + r.Compressions.Panics() + r.Loop.Panics()
}

// Close begins nothing new, and gives everything that is queued worker.ErrClosed.
func (r *Reactor) Close() {
	close(r.stopping)
	r.Loop.Close()
	r.Workers.Close()
	r.Commands.Close()
	r.Compressions.Close()
	r.calendar.close()
}

// Wait waits until no service is under way. Compressions may still be: Compressions.Wait
// waits a moment for them, once their streams are closed.
func (r *Reactor) Wait() {
	r.Workers.Wait()
	r.Commands.Wait()
	r.Loop.Release()
}
