package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sluice/core/sandbox"
	"sluice/core/settings"
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
	patience := time.NewTimer(e.settings.PrepareTimeout)
	defer patience.Stop()
	select {
	case o := <-done:
		return o.Descriptors, o.err
	case <-patience.C:
		go func() {
			if late := <-done; late.err == nil {
				late.close() // the streams meet their end of file
			}
		}()
		return Descriptors{}, fmt.Errorf("%w: %q, waited for %v (prepare_timeout)", ErrTimeout, launch.Sandbox, e.settings.PrepareTimeout)
	}
}

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

	stdout, err := e.begin(launch, box, identity, stdoutName, container.Stdout)
	if err != nil {
		return Descriptors{}, err
	}
	stderr, err := e.begin(launch, box, identity, stderrName, container.Stderr)
	if err != nil {
		stdout.abandon()
		return Descriptors{}, err
	}
	if err := e.open(stdout, stderr); err != nil {
		stdout.abandon()
		stderr.abandon()
		return Descriptors{}, err
	}
	return e.handOver(stdout, stderr)
}

// handOver opens the ends for the container and serves the streams.
func (e *Engine) handOver(stdout, stderr *entry) (d Descriptors, err error) {
	d = Descriptors{-1, -1}
	if d.Stdout, err = e.state.OpenForContainer(stdout.id); err == nil {
		d.Stderr, err = e.state.OpenForContainer(stderr.id)
	}
	if err == nil {
		err = errors.Join(e.serve(stdout), e.serve(stderr))
	}
	if err != nil {
		d.close()
		// What is served already meets its end of file by itself.
		return Descriptors{}, err
	}
	if e.settings.LogStreams {
		stdout.stream.Log.Info("the stream begins", "sandbox", stdout.stream.Record.GetSandbox())
		stderr.stream.Log.Info("the stream begins", "sandbox", stderr.stream.Record.GetSandbox())
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
