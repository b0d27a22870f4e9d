// Package engine is the set of streams of one state directory: it recovers them
// when it opens, prepares new ones, has them visited when there is something to
// move, and gives their figures.
//
// There is one engine per state directory and process, however many loggers use it,
// and it neither knows nor cares which process it lives in. It is what all concepts meet
// in, so it holds none of them: when a stream is serviced is the reactor's, what the node
// keeps the budget's.
package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"sluice/core/budget"
	"sluice/core/control"
	"sluice/core/fdstore"
	"sluice/core/guard"
	"sluice/core/handover"
	"sluice/core/reactor"
	"sluice/core/settings"
	"sluice/core/state"
	"sluice/core/stream"
)

// Engine serves the streams of one state directory. Its methods may be called
// concurrently.
type Engine struct {
	settings   settings.Module
	log        *slog.Logger
	guard      *guard.Guard
	state      *state.Dir
	reactor    *reactor.Reactor
	budget     *budget.Budget // nil: the node has none
	store      *fdstore.Store
	control    *control.Server // nil where nobody can ask
	identities identities
	launches   chan struct{}
	closing    atomic.Bool // no launch begins any more
	unreserve  func()      // gives the threads up

	hooks    hooks
	reaching deviceSlots

	mu         sync.Mutex
	serving    map[*entry]bool   // nil: the engine is closed
	pending    map[string]*found // by id: not served yet
	memoryStep int               // what the memory limit was set for
	recovered  int64
	unattended int64                // streams that were found without their end
	heldBefore func(id string) bool // tells the pipes that somebody has held open
	past       stream.Account       // of streams that have ended
	serial     atomic.Int64         // makes ids unique within the process
}

// launchSlots is how many launches are prepared at a time.
const launchSlots = 16

// Open takes the state directory, from a keeper if one has it, and serves what it
// finds there. Errors are those of handover.Take, and which limit of processes leaves no room.
func Open(module settings.Module, log *slog.Logger) (*Engine, error) {
	if err := roomForThreads(); err != nil {
		return nil, err
	}
	dir, opened, err := handover.Take(module.StateDir, log)
	if err != nil {
		return nil, err
	}
	if opened != nil {
		defer opened.Close()
	}
	if err := saveSettings(dir, module); err != nil {
		log.Warn("a keeper that takes over will not have the parameters of this start", "error", err)
	}
	heldBefore := nobodyHeld
	if opened != nil {
		heldBefore = func(string) bool { return true } // by the keeper
	}
	return Serve(dir, module, log, heldBefore)
}

// nobodyHeld is said of the pipes of an owner that was alone.
func nobodyHeld(string) bool { return false }

// Serve is Open for a state directory that is taken already; it is the engine's from
// then on, also on an error. The parameters that an agent has left in there stay. held
// tells of a stream whether somebody has had its pipe open since its owner before had it;
// it is not called after the start.
func Serve(dir *state.Dir, module settings.Module, log *slog.Logger, held func(id string) bool) (*Engine, error) {
	e := &Engine{
		settings:   module,
		log:        log,
		guard:      guard.New(log),
		state:      dir,
		launches:   make(chan struct{}, launchSlots),
		serving:    map[*entry]bool{},
		pending:    map[string]*found{},
		heldBefore: held,
	}
	e.hooks.before.Store(injected)
	var err error
	e.reactor, err = reactor.New(reactor.Config{
		MaxDelay: module.MaxDelay, ScriptTimeout: module.ScriptTimeout, Guard: e.guard, Log: log,
	})
	if err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	e.unreserve = e.reserveThreads()
	e.tellOfProcesses()
	e.tellOfDescriptors()
	reserveDescriptors()
	e.startBudget()
	e.reactor.Start()
	e.store = fdstore.Open(dir.Inode(), e.guard, storeOwner{dir, log})
	if err := e.recover(); err != nil {
		e.Close()
		return nil, fmt.Errorf("recover the streams in state_dir %q: %w", module.StateDir, err)
	}
	e.serveControl()
	return e, nil
}

// saveSettings leaves the parameters for a keeper.
func saveSettings(dir *state.Dir, module settings.Module) error {
	text, err := settings.Encode(module.Given)
	if err != nil {
		return err
	}
	return dir.SaveSettings(text)
}

// Close stops serving, once the services that are under way are done. The containers write on
// until their pipes are full; the next owner of the state directory goes on with what is in
// them.
func (e *Engine) Close() { closeAll(e.stop(func(string) {})) }

// HandOver is Close, but gives the reading ends of the pipes to the caller, who keeps
// them open until the next owner has opened its own: a container that ends meanwhile
// would otherwise take what is in its pipe with it.
func (e *Engine) HandOver() (pipes []int) {
	return e.stop(e.store.Forget)
}

// stop gives up everything but the pipes.
func (e *Engine) stop(each func(id string)) (pipes []int) {
	e.closing.Store(true)
	e.control.Close()
	e.reactor.Close()
	e.awaitLaunches()
	e.reactor.Wait()
	e.unreserve()
	if e.budget != nil {
		e.budget.Close()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	keep := func(id string, pipe int) {
		if fd, err := unix.FcntlInt(uintptr(pipe), unix.F_DUPFD_CLOEXEC, 0); err == nil {
			pipes = append(pipes, fd)
		}
		each(id)
	}
	for entry := range e.serving {
		keep(entry.id, entry.Stream.Pipe)
		entry.release()
	}
	for id, f := range e.pending {
		keep(id, f.pipe)
		if f.entry == nil && f.pipe != noPipe {
			_ = unix.Close(f.pipe)
			f.pipe = noPipe
		}
	}
	e.serving, e.pending = nil, nil
	e.reactor.Compressions.Wait()
	if e.store != nil {
		e.store.Close()
	}
	_ = e.state.Close()
	return pipes
}

// awaitLaunches waits until no launch is under way: one that fails cleans up in the state
// directory, which is this owner's only for so long.
func (e *Engine) awaitLaunches() {
	for range cap(e.launches) {
		e.launches <- struct{}{}
	}
	for range cap(e.launches) {
		<-e.launches
	}
}

func closeAll(fds []int) {
	for _, fd := range fds {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

// serve begins to visit an entry.
func (e *Engine) serve(entry *entry) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.serving == nil {
		return errClosed
	}
	e.serveLocked(entry)
	return nil
}

// serveLocked is serve of an engine that is not closed.
func (e *Engine) serveLocked(entry *entry) {
	e.serving[entry] = true
	delete(e.pending, entry.id)
	added := false
	defer func() {
		if !added {
			delete(e.serving, entry) // a fault: it is the caller's still
		}
	}()
	if entry.account != nil {
		e.budget.Join(entry.account, entry)
	}
	e.store.Keep(entry.id, entry.Stream.Pipe)
	e.limitMemory()
	e.reactor.Serve(&entry.Served)
	added = true
}

// leave forgets a stream that has had its last byte.
func (e *Engine) leave(entry *entry) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.serving, entry)
	e.store.Forget(entry.id)
	e.limitMemory()
	a := entry.Stream.Account()
	e.past = e.past.Plus(a)
	e.reactor.Forget(&entry.Served)
	if e.settings.LogStreams {
		entry.Stream.Log.Info("the stream has ended", "bytes", a.InBytes(), "dropped", a.DroppedBytes, "rotations", a.Rotations)
	}
}
