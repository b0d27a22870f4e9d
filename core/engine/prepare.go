package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/sandbox"
	"sluice/core/settings"
	"sluice/core/shortage"
	"sluice/core/worker"
)

// ErrTimeout says that the disk of a sandbox did not answer in time.
var ErrTimeout = errors.New("the disk of the sandbox does not answer")

// errClosed says that the streams are, or are about to be, another owner's.
var errClosed = errors.New("the engine is closed")

// Launch is what is known of a container before it starts.
type Launch struct {
	// ContainerID is the ids from the root container down, joined by dots.
	ContainerID string
	FrameworkID string
	ExecutorID  string
	TaskID      string
	// Sandbox is the absolute path of the container's directory.
	Sandbox string
	// User that the container runs as; empty: the agent's own.
	User string
	// Environment of the container's command. Its values are the task's.
	Environment []settings.Variable
	// Debug containers are those of health checks and attached commands.
	Debug bool
}

// Prepare makes both streams of a container and serves them. It waits for the file
// system of the sandbox, and where the host runs short of descriptors, memory or threads
// for these, but no longer than prepare_timeout: then it fails, with ErrTimeout or with
// what there was a shortage of. On an error nothing is left behind but perhaps the files
// in the sandbox.
func (e *Engine) Prepare(launch Launch) (Descriptors, error) {
	done := make(chan prepared, 1)
	began, timeout := time.Now(), e.settings.PrepareTimeout
	e.guard.Go("prepare a container", func() {
		outcome := prepared{err: fmt.Errorf("%w: %q: others are before it", ErrTimeout, launch.Sandbox)}
		defer func() { done <- outcome }()
		e.launches <- struct{}{} // each may hold a thread in the kernel
		defer func() { <-e.launches }()
		if left := timeout - time.Since(began); left > 0 {
			outcome = e.prepareWithin(left, launch)
		}
	})
	for step := firstPatience; time.Since(began) < timeout; step *= 2 {
		patience := time.NewTimer(min(step, timeout-time.Since(began)))
		select {
		case o := <-done:
			patience.Stop()
			return o.Descriptors, o.err
		case <-patience.C:
		}
	}
	e.guard.Go("end what was prepared too late", func() {
		if late := <-done; late.err == nil {
			late.close() // the streams meet their end of file
		}
	})
	return Descriptors{}, fmt.Errorf("%w: %q, waited for %v (prepare_timeout)", ErrTimeout, launch.Sandbox, timeout)
}

// prepared is what becomes of a launch.
type prepared struct {
	Descriptors
	err error
}

// prepareWithin tries again for as long as the host runs short of something.
func (e *Engine) prepareWithin(patience time.Duration, launch Launch) (outcome prepared) {
	outcome.err = shortage.Retry(patience, func() error {
		return e.guard.Run("prepare a container", func() (err error) {
			outcome.Descriptors, err = e.prepare(launch)
			return err
		})
	})
	return outcome
}

// firstPatience is how long a launch is waited for at first, and then twice that, up to
// prepare_timeout. A timer that was stopped wakes the runtime all the same when it would
// have expired: so it does that soon after the launch, and not when all has come to rest.
const firstPatience = 20 * time.Millisecond

// close gives the descriptors up.
func (d Descriptors) close() {
	for _, fd := range []int{d.Stdout, d.Stderr} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

// prepare is Prepare without a limit of time.
func (e *Engine) prepare(launch Launch) (Descriptors, error) {
	if e.closing.Load() {
		return Descriptors{}, errClosed
	}
	identity, err := e.identities.of(launch.User)
	if err != nil {
		return Descriptors{}, err
	}
	container, notes, err := e.settings.ForUser(identity.UID).ForTask(launch.Environment, launch.User, launch.Sandbox)
	if err != nil {
		return Descriptors{}, err
	}
	e.logNotes(notes, launch.ContainerID)
	if launch.Debug {
		if container, err = e.settings.ForDebug(container); err != nil {
			return Descriptors{}, err
		}
	}
	dir, err := sandbox.Open(launch.Sandbox)
	if err != nil {
		return Descriptors{}, err
	}
	box := &sharedSandbox{Dir: dir}
	box.users.Add(1) // of this call
	defer box.release()

	var unserved []sink // what no container has got
	defer func() { e.abandon(unserved) }()
	if err := e.begin(&unserved, launch, box, identity, container); err != nil {
		return Descriptors{}, err
	}
	if err := e.open(unserved...); err != nil {
		return Descriptors{}, err
	}
	return e.handOver(&unserved)
}

// begin makes where the two streams of a container go, stdout and then stderr, and adds
// each to the sinks when it is made.
func (e *Engine) begin(sinks *[]sink, launch Launch, box *sharedSandbox, identity worker.Identity, container settings.Container) error {
	for _, of := range []struct {
		name string
		settings.Stream
	}{{stdoutName, container.Stdout}, {stderrName, container.Stderr}} {
		if of.Discard {
			*sinks = append(*sinks, &discarded{name: of.name, launch: launch, settings: of.Stream, box: box, identity: identity, log: e.log})
			continue
		}
		entry, err := e.beginStream(launch, box, identity, of.name, of.Stream)
		if err != nil {
			return err
		}
		*sinks = append(*sinks, entry)
	}
	return nil
}

// abandon undoes what was made for a container that will not start.
func (e *Engine) abandon(sinks []sink) {
	for _, s := range sinks {
		_ = e.guard.Run("undo what was prepared", func() error { s.abandon(); return nil })
	}
}

// handOver opens the ends for the container, stdout's first, and serves the streams. It
// takes those that are served out of unserved: after an error they meet their end of
// file by themselves.
func (e *Engine) handOver(unserved *[]sink) (d Descriptors, err error) {
	d = Descriptors{-1, -1}
	handed := false
	defer func() {
		if !handed {
			d.close()
			d = Descriptors{}
		}
	}()
	if d.Stdout, err = (*unserved)[0].openForContainer(e); err == nil {
		d.Stderr, err = (*unserved)[1].openForContainer(e)
	}
	for err == nil && len(*unserved) > 0 {
		if err = (*unserved)[0].serve(e); err == nil {
			*unserved = (*unserved)[1:]
		}
	}
	handed = err == nil
	return d, err
}

// logNotes passes on what the settings have to say.
func (e *Engine) logNotes(notes []settings.Note, container string) {
	for _, note := range notes {
		level := slog.LevelInfo
		if note.Severity == settings.Warning {
			level = slog.LevelWarn
		}
		e.log.Log(context.Background(), level, note.Text, "container", container)
	}
}
