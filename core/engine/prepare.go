package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sluice/core/sandbox"
	"sluice/core/settings"
	"sluice/core/worker"
	"time"

	"golang.org/x/sys/unix"
)

// ErrTimeout says that the disk of a sandbox did not answer in time.
var ErrTimeout = errors.New("the disk of the sandbox does not answer")

// Prepare makes both streams of a container and serves them. It waits for the file
// system of the sandbox, but no longer than prepare_timeout: then it fails with
// ErrTimeout. On an error nothing is left behind but perhaps the files in the
// sandbox.
func (e *Engine) Prepare(launch Launch) (Descriptors, error) {
	type outcome struct {
		Descriptors
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				done <- outcome{err: e.prepareFault(r)}
			}
		}()
		e.launches <- struct{}{} // each may hold a thread in the kernel
		defer func() { <-e.launches }()
		d, err := e.prepare(launch)
		done <- outcome{d, err}
	}()
	began, timeout := time.Now(), e.settings.PrepareTimeout
	for step := firstPatience; time.Since(began) < timeout; step *= 2 {
		patience := time.NewTimer(min(step, timeout-time.Since(began)))
		select {
		case o := <-done:
			patience.Stop()
			return o.Descriptors, o.err
		case <-patience.C:
		}
	}
	go func() {
		if late := <-done; late.err == nil {
			late.close() // the streams meet their end of file
		}
	}()
	return Descriptors{}, fmt.Errorf("%w: %q, waited for %v (prepare_timeout)", ErrTimeout, launch.Sandbox, timeout)
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
	container, notes, err := e.settings.ForTask(launch.Environment, launch.User, launch.Sandbox)
	if err != nil {
		return Descriptors{}, err
	}
	e.logNotes(notes, launch.ContainerID)
	if launch.Debug {
		if container, err = e.settings.ForDebug(container); err != nil {
			return Descriptors{}, err
		}
	}
	identity, err := e.identities.of(launch.User)
	if err != nil {
		return Descriptors{}, err
	}
	dir, err := sandbox.Open(launch.Sandbox)
	if err != nil {
		return Descriptors{}, err
	}
	box := &sharedSandbox{Dir: dir}
	box.users.Add(1) // of this call
	defer box.release()

	sinks, err := e.begin(launch, box, identity, container)
	if err != nil {
		return Descriptors{}, err
	}
	if err := e.open(sinks...); err != nil {
		abandon(sinks)
		return Descriptors{}, err
	}
	return e.handOver(sinks[0], sinks[1])
}

// begin makes where the two streams of a container go: stdout, then stderr.
func (e *Engine) begin(launch Launch, box *sharedSandbox, identity worker.Identity, container settings.Container) ([]sink, error) {
	var sinks []sink
	for _, of := range []struct {
		name string
		settings.Stream
	}{{stdoutName, container.Stdout}, {stderrName, container.Stderr}} {
		if of.Discard {
			sinks = append(sinks, &discarded{name: of.name, launch: launch, settings: of.Stream, box: box, identity: identity, log: e.log})
			continue
		}
		entry, err := e.beginStream(launch, box, identity, of.name, of.Stream)
		if err != nil {
			abandon(sinks)
			return nil, err
		}
		sinks = append(sinks, entry)
	}
	return sinks, nil
}

func abandon(sinks []sink) {
	for _, s := range sinks {
		s.abandon()
	}
}

// handOver opens the ends for the container and serves the streams.
func (e *Engine) handOver(stdout, stderr sink) (d Descriptors, err error) {
	d = Descriptors{-1, -1}
	if d.Stdout, err = stdout.openForContainer(e); err == nil {
		d.Stderr, err = stderr.openForContainer(e)
	}
	if err == nil {
		err = errors.Join(stdout.serve(e), stderr.serve(e))
	}
	if err != nil {
		d.close()
		// What is served already meets its end of file by itself.
		return Descriptors{}, err
	}
	return d, nil
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
