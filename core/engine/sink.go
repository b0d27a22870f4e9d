package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"golang.org/x/sys/unix"

	"sluice/core/policyfile"
	"sluice/core/settings"
	"sluice/core/worker"
)

// sink is where one stream of a container goes: into a file that is looked after, or
// nowhere. Its methods are called in the order in which they stand here.
type sink interface {
	// place gives the sandbox, whose rights its files have, and the queue of its work.
	place() (box *sharedSandbox, identity worker.Identity, device uint64)
	// open makes what a launch needs of it in the sandbox, on a worker thread with the
	// identity of the task's user; fresh says that no file of a series is there.
	open(t *worker.Thread, fresh bool) error
	// openForContainer opens what the container writes into. The caller takes it.
	openForContainer(e *Engine) (int, error)
	// serve has it looked after from now on.
	serve(e *Engine) error
	// abandon undoes what was made for a container that will not start.
	abandon()
}

func (e *entry) place() (*sharedSandbox, worker.Identity, uint64) {
	return e.box, e.as, e.box.Device()
}

func (e *entry) openForContainer(engine *Engine) (int, error) {
	return engine.state.OpenForContainer(e.id)
}

func (e *entry) serve(engine *Engine) error {
	if engine.settings.LogStreams {
		e.Stream.Log.Info("the stream begins", "sandbox", e.Stream.Record.GetSandbox())
	}
	return engine.serve(e)
}

// discarded is a stream that goes nowhere. The container writes into /dev/null, so
// that it costs nothing and nobody need look after it, also when the agent is away.
// The sandbox has an empty file of its name, for those who expect one, and beside it
// the reason.
type discarded struct {
	name     string
	launch   Launch
	settings settings.Stream
	box      *sharedSandbox // borrowed for the launch
	identity worker.Identity
	log      *slog.Logger
}

func (d *discarded) place() (*sharedSandbox, worker.Identity, uint64) {
	return d.box, d.identity, d.box.Device()
}

// discardedMode is that of the empty file, as of a live file by default.
const discardedMode = 0o644

// open makes the file, unless something has its name: the agent may have written
// there what it fetched. A container that needs no log is not refused over it.
func (d *discarded) open(*worker.Thread, bool) error {
	f, err := d.box.Create(d.name, discardedMode)
	if err == nil {
		err = f.Close()
	}
	if errors.Is(err, fs.ErrExist) {
		err = nil
	}
	shown := policyfile.Source{Dir: d.box.Dir, Path: d.launch.Sandbox, Name: d.name, Settings: d.settings}
	err = errors.Join(err, shown.Write())
	if err != nil {
		d.log.Warn("cannot tell in the sandbox that the output is discarded",
			"container", d.launch.ContainerID, "stream", d.name, "error", err)
	}
	return nil
}

func (d *discarded) openForContainer(*Engine) (int, error) {
	fd, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open /dev/null for %s: %w", d.name, err)
	}
	return fd, nil
}

func (d *discarded) serve(*Engine) error { return nil }

func (d *discarded) abandon() {}
