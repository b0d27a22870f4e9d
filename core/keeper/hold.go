package keeper

import (
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/guard"
	"sluice/core/pump"
	"sluice/core/shortage"
	"sluice/core/state"
)

// A keeper that stands by has the pipes of all streams open. It reads nothing from them, but
// thanks to it a container that ends with the agent, or before the keeper serves, leaves its
// last bytes in a pipe that somebody has open. The kernel tells the keeper of pipes that come
// and go, so it sleeps while none does.

// holder is what a keeper holds while it waits for the lock.
type holder struct {
	dir    *state.Dir
	log    *slog.Logger
	events *os.File // inotify(7); nil: nothing tells what comes
	ended  chan struct{}

	mu    sync.Mutex
	pipes map[string]heldPipe
}

// heldPipe is the reading end of a pipe.
type heldPipe struct {
	fd int
	// alive says that it was opened while its owner or a container had it, so nothing in it can
	// be missing.
	alive bool
}

// hold begins to hold the pipes of a directory, whose lock somebody else may have. The caller
// releases them.
func hold(dir *state.Dir, guard *guard.Guard, log *slog.Logger) *holder {
	h := &holder{dir: dir, log: log, ended: make(chan struct{}), pipes: map[string]heldPipe{}}
	var err error
	if h.events, err = dir.WatchFIFOs(); err != nil {
		log.Warn("pipes of containers that start from here on are not held while the agent lives", "error", err)
		close(h.ended)
		_ = h.look()
		return h
	}
	short := h.look()
	guard.Go("hold pipes", func() {
		defer close(h.ended)
		h.follow(short)
	})
	return h
}

// follow holds what comes, and lets go of what goes, until the events are closed.
func (h *holder) follow(short error) {
	buffer := make([]byte, 64<<10)
	var pause shortage.Pause
	for {
		deadline := time.Time{}
		if short != nil {
			deadline = time.Now().Add(pause.Next())
		} else {
			pause = 0
		}
		_ = h.events.SetReadDeadline(deadline)
		n, err := h.events.Read(buffer)
		late := errors.Is(err, os.ErrDeadlineExceeded)
		if err != nil && !late {
			return
		}
		// Records come and go all the time. What the last look left out can have been anything.
		if late || short != nil || state.TellsOfFIFOs(buffer[:n]) {
			short = h.look()
		}
	}
}

// look opens what is new in the directory and closes what has gone. Its error is a shortage:
// what could not be opened has to be tried again.
func (h *holder) look() (short error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fifos, err := h.dir.FIFOs()
	if err != nil {
		return err
	}
	there := make(map[string]bool, len(fifos))
	var scratch pump.Scratch
	defer scratch.Close()
	for _, id := range fifos {
		there[id] = true
		if _, has := h.pipes[id]; has {
			continue
		}
		if err := h.open(id, &scratch); err != nil && !errors.Is(err, state.ErrNoFIFO) {
			short = err
		}
	}
	for id, p := range h.pipes {
		if !there[id] {
			_ = unix.Close(p.fd)
			delete(h.pipes, id)
		}
	}
	return short
}

func (h *holder) open(id string, scratch *pump.Scratch) error {
	fd, err := h.dir.OpenReading(id)
	if err != nil {
		return err
	}
	p := heldPipe{fd: fd}
	if owned, err := h.dir.Owned(); err == nil && owned {
		p.alive = true
	} else if _, err := scratch.Ready(fd); err == nil || errors.Is(err, pump.ErrEmpty) {
		p.alive = true
	}
	h.pipes[id] = p
	return nil
}

// stop keeps what it holds, and takes nothing more.
func (h *holder) stop() {
	if h.events != nil {
		_ = h.events.Close()
	}
	<-h.ended
}

// has tells whether a pipe has been held since its owner or its container had it.
func (h *holder) has(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.pipes[id].alive
}

// release stops, and closes the pipes.
func (h *holder) release() {
	h.stop()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.pipes {
		_ = unix.Close(p.fd)
	}
	h.pipes = nil
}
