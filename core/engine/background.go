package engine

import (
	"log/slog"
	"sluice/core/rotation/script"
	"sluice/core/settings"
	"sluice/core/shortage"
	"sluice/core/worker"
	"time"
)

// scripted marks the queue of streams whose rotations run commands. A command may
// take its time; it must not hold the threads that the others of the same file
// system wait for.
const scripted = 1 << 63

// deviceOf gives the queue in which the work of a stream waits.
func deviceOf(box *sharedSandbox, s settings.Stream) uint64 {
	if s.Policy.Scripts.Any() || s.Policy.Compressor.External {
		return box.Device() | scripted
	}
	return box.Device()
}

// scriptSlots is how many commands run at once in the whole process.
const scriptSlots = 4

// scriptRunner gives the function that runs the commands of a policy as the task's
// user. Which policies may have commands was decided when they were read. One that could
// not be started because the host runs short is started later, within script_timeout.
func (e *Engine) scriptRunner(box *sharedSandbox, identity worker.Identity, log *slog.Logger) func(script.Command) error {
	runner := &script.Runner{
		Dir:     box.Dir,
		Timeout: e.settings.ScriptTimeout,
		Slots:   e.scripts,
		Env:     e.environment,
		Log:     log,
	}
	if !e.self.Equal(identity) {
		runner.As = &script.Credential{UID: uint32(identity.UID), GID: uint32(identity.GID), Groups: identity.Groups}
	}
	return func(c script.Command) error {
		return shortage.Retry(runner.Timeout, func() error { return runner.Run(c) })
	}
}

// atOnce gives the function by which the end of a compression gets a thread of normal
// priority: it holds the lock that the rotations of its stream take. The thread in the
// background waits for it, so that no more outputs are open than there are threads, and
// does it itself where it is refused: what the attempt holds must be released.
func (e *Engine) atOnce(device uint64, identity worker.Identity) func(func()) {
	return func(work func()) {
		done, left := make(chan struct{}), false
		e.workers.Submit(&worker.Task{As: identity, Device: device, Urgent: true, Run: func(_ *worker.Thread, refused error) {
			defer close(done)
			if left = refused != nil; !left {
				work()
			}
		}})
		<-done
		if left {
			work()
		}
	}
}

// tendEvery is how often the clock is looked at for streams whose policy has a
// period or an age.
const tendEvery = time.Minute

// tend has the streams tended whose policy goes by the clock, and again in a minute
// as long as there are any. Without such a stream nothing runs.
func (e *Engine) tend() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tending = nil
	for entry := range e.serving {
		if entry.byCalendar() {
			entry.stream.Tend()
			e.scheduler.nudge(entry)
			e.tendLater()
		}
	}
}

// tendLater sets the clock, at a full minute, if it is not set. mu is held.
func (e *Engine) tendLater() {
	if e.tending == nil {
		now := time.Now()
		e.tending = e.guard.AfterFunc(now.Truncate(tendEvery).Add(tendEvery).Sub(now), "look at the clock for rotations", e.tend)
	}
}

// byCalendar tells whether the policy of a stream goes by the clock.
func (e *entry) byCalendar() bool {
	policy := e.stream.Settings.Policy
	return policy.Every != 0 || policy.MaxAge > 0
}
