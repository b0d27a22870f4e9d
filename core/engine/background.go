package engine

import (
	"log/slog"
	"time"

	"sluice/core/rotation"
	"sluice/core/rotation/script"
	"sluice/core/settings"
	"sluice/core/worker"
)

// commandQueue is where the work of a container waits that may run commands: one that
// takes its time holds nobody else.
func commandQueue(box *sharedSandbox) uint64 { return box.Inode() }

// submitter gives the function by which the compressions of a stream get a thread.
func (e *Engine) submitter(entry *entry, s settings.Stream) func(rotation.Task) {
	unpark := func() { e.loop.Unpark(entry.member) }
	if s.Policy.Compressor.External || s.Policy.Scripts.PreRemove != "" {
		return e.compressions.CommandSubmitter(commandQueue(entry.box), entry.as, unpark)
	}
	return e.compressions.Submitter(entry.box.Device(), entry.as, unpark)
}

// scriptRunner gives the function that runs the commands of a stream's policy as the
// task's user. Which policies may have commands was decided when they were read. Those of
// an operator get the environment of the host, as under the replaced program; those of a
// task have no business with its secrets.
func (e *Engine) scriptRunner(box *sharedSandbox, identity worker.Identity, of settings.Stream, log *slog.Logger) func(script.Command) error {
	runner := &script.Runner{
		Dir:     box.Dir,
		Timeout: e.settings.ScriptTimeout,
		Stop:    e.stopping,
		Env:     e.environment,
		Log:     log,
		Guard:   e.guard,
	}
	if of.OptionsFrom.Task {
		runner.Env = script.Environment(nil)
	}
	if !e.self.Equal(identity) {
		runner.As = &script.Credential{UID: uint32(identity.UID), GID: uint32(identity.GID), Groups: identity.Groups}
	}
	return runner.Run
}

// atOnce gives the function by which the end of a compression gets a thread of normal
// priority: it holds the lock that the rotations of its stream take. The thread in the
// background waits for it, so that no more outputs are open than there are threads, and
// does it itself where it is refused: what the attempt holds must be released.
func (e *Engine) atOnce(box *sharedSandbox, identity worker.Identity) func(func()) {
	return func(work func()) {
		done, left := make(chan struct{}), false
		e.workers.Submit(&worker.Task{As: identity, Device: box.Device(), Urgent: true, Owner: box.Inode(), Run: func(_ *worker.Thread, refused error) {
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
			e.loop.Nudge(entry.member)
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
