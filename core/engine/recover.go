package engine

import (
	"errors"
	"io"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/pump"
	"sluice/core/shortage"
	"sluice/core/state"
	"sluice/core/stream"
	sluicepb "sluice/proto"
)

// A container writes into its FIFO for as long as it lives, and waits for ever once that
// is full and nobody reads it. So whatever an owner finds when it starts, it reads every
// FIFO that a container may hold: it serves the stream, or drains it and counts. What it
// cannot open for now it tries again, beside the others, until it can.

// found is a stream of an owner before that is not served yet. The engine's mu guards it
// once its goroutine has started.
type found struct {
	id       string
	recorded bool                   // false: only its FIFO was found
	record   *sluicepb.StreamRecord // of a stream to be served
	pipe     int                    // reading end; noPipe: not opened yet. An entry takes it
	entry    *entry                 // nil: none yet
	held     bool                   // somebody has had the pipe open since the owner before
}

const noPipe = -1

// next is what is to be done with a stream that was found.
type next int

const (
	nothing next = iota // it is drained, or gone
	revive              // its files are to be opened
	again               // something ran short
)

// recover serves what an owner before this one left in the state directory. It waits for
// that no longer than startPatience; what takes longer goes on beside.
func (e *Engine) recover() error {
	all, err := e.findStreams()
	if err != nil {
		return err
	}
	fifos, err := e.state.FIFOs()
	if err != nil {
		return err
	}
	claimed := e.store.Claim(fifos)
	defer func() {
		for _, fd := range claimed {
			_ = unix.Close(fd)
		}
	}()
	var seen report
	groups := newGroups()
	e.takeAll(all, claimed, groups, &seen)
	seen.tell(e.log)
	e.reviveAll(groups)
	if err := e.recoverEnded(); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.recovered > 0 {
		e.log.Info("took over the streams of an owner before", "streams", e.recovered, "found", len(all))
	}
	return nil
}

// takeAll takes what was found, and sorts out what is to be revived. Of the pipes that the
// service manager has kept, claimed, it takes those that are needed.
func (e *Engine) takeAll(all []*found, claimed map[string]int, groups *groups, seen *report) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range all {
		e.pending[f.id] = f
		_, kept := claimed[f.id]
		f.held = kept || e.heldBefore(f.id)
	}
	for _, f := range all {
		switch e.take(f, seen) {
		case revive:
			groups.add(f)
		case again:
			if fd, ok := claimed[f.id]; ok {
				// The pipe itself, as the service manager has kept it.
				f.pipe = fd
				delete(claimed, f.id)
			}
			groups.addLater(f)
		}
	}
	for id := range claimed {
		if e.pending[id] == nil && e.findLocked(id) == nil {
			e.store.Forget(id)
		}
	}
}

// errNoRecord is why a FIFO is drained whose record was set aside, or taken away.
var errNoRecord = errors.New("it has none")

// findStreams lists what there is, and removes what nobody needs any more.
func (e *Engine) findStreams() ([]*found, error) {
	ids, err := e.state.Streams()
	if err != nil {
		return nil, err
	}
	unrecorded, err := e.state.Unrecorded()
	if err != nil {
		return nil, err
	}
	if err := e.state.Sweep(); err != nil {
		e.log.Warn("names in the state directory that are no streams cannot be removed", "error", err)
	}
	var all []*found
	for _, id := range ids {
		all = append(all, &found{id: id, recorded: true, pipe: noPipe})
	}
	for _, id := range unrecorded {
		all = append(all, &found{id: id, pipe: noPipe})
	}
	return all, nil
}

// take reads the record of a stream, opens its FIFO, and drains what is not to be
// served. It looks at the state directory alone, never at a sandbox. mu is held.
func (e *Engine) take(f *found, seen *report) next {
	becomes, why := served, error(nil)
	switch {
	case !f.recorded:
		becomes, why = drained, errNoRecord
	case f.record == nil:
		f.record, becomes, why = judge(e.state, f.id)
	}
	switch becomes {
	case undecided:
		seen.later(f.id, why)
		return again
	case forgotten:
		seen.swept++
		e.forgetFound(f)
		return nothing
	}
	if err := e.openFound(f); err != nil {
		if !errors.Is(err, state.ErrNoFIFO) {
			seen.later(f.id, err)
			return again
		}
		if f.recorded {
			seen.unusable(f.id, err)
			e.setAside(f.id)
		}
		e.dropFound(f)
		return nothing
	}
	switch becomes {
	case served:
		if err := e.noteUnattended(f, seen); err != nil {
			seen.later(f.id, err)
			return again
		}
		if why != nil {
			seen.newer(f.id, why)
		}
		return revive
	case setAside:
		seen.unusable(f.id, why)
		e.setAside(f.id)
	case drained:
		if !f.recorded && atEnd(f.pipe) {
			e.forgetFound(f)
			return nothing
		}
		seen.drained(f.id, why)
	}
	e.drain(f, stream.Unrecorded)
	return nothing
}

// atEnd tells whether nobody has a FIFO open for writing, and nothing is in it.
func atEnd(pipe int) bool {
	var scratch pump.Scratch
	defer scratch.Close()
	_, err := scratch.Ready(pipe)
	return errors.Is(err, io.EOF)
}

// noteUnattended notes in the record of a stream that its container ended while nobody had
// the pipe open: what was in there is gone. A pipe that has a writer, or holds something,
// was never closed, and one whose record says that it is complete held nothing. Errors are
// shortages. mu is held.
func (e *Engine) noteUnattended(f *found, seen *report) error {
	r := f.record
	if f.held || r.GetComplete() || r.GetUnattended() != nil || r.GetFirstEndBytes() > 0 {
		return nil
	}
	_, err := seen.scratch.Ready(f.pipe)
	switch {
	case shortage.Is(err):
		return err
	case errors.Is(err, io.EOF):
		r.Unattended = &sluicepb.Unattended{}
		seen.unattended(f.id)
		e.unattended++
	}
	f.held = true // by this owner, from here on
	return nil
}

// openFound opens the reading end. mu is held.
func (e *Engine) openFound(f *found) (err error) {
	if f.pipe == noPipe {
		f.pipe, err = e.state.OpenReading(f.id)
	}
	return err
}

// forgetFound removes all that there is of a stream, dropFound only forgets it. mu is
// held.
func (e *Engine) forgetFound(f *found) {
	if err := e.state.Remove(f.id); err != nil {
		e.log.Error("cannot remove what is left of a stream", "stream", f.id, "error", err)
	}
	e.dropFound(f)
}

func (e *Engine) dropFound(f *found) {
	switch {
	case f.entry != nil:
		f.entry.release()
	case f.pipe != noPipe:
		_ = unix.Close(f.pipe)
	}
	f.entry, f.pipe = nil, noPipe
	delete(e.pending, f.id)
}

func (e *Engine) setAside(id string) {
	if err := e.state.SetAside(id); err != nil {
		e.log.Error("cannot set a record aside", "error", err)
	}
}

// reviveAll has the streams of all groups served, each group on a goroutine of its own,
// and waits until each was tried once, but no longer than startPatience, nor than
// prepare_timeout.
func (e *Engine) reviveAll(groups *groups) {
	if len(groups.all) == 0 {
		return
	}
	var left atomic.Int64
	left.Store(int64(len(groups.all)))
	tried := make(chan struct{})
	for _, g := range groups.all {
		g.tried = func() {
			if left.Add(-1) == 0 {
				close(tried)
			}
		}
		e.guard.Go("recover the streams of a container", func() { e.reviveGroup(g) })
	}
	patience := min(startPatience, e.settings.PrepareTimeout)
	if awaitDone(tried, patience) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.log.Warn("some streams of an owner before are not served yet: their disk is slow or does not answer, or something has run short; they are tried on",
		"streams", len(e.pending), "waited", patience)
}

// startPatience is how long the start of a host waits for what its containers' disks hold: the
// agent answers nobody until then. It changes for tests only, before streams start.
var startPatience = 1500 * time.Millisecond

// awaitDone waits for done, at most for timeout, and tells whether it came. Its timers
// are short at first: see firstPatience.
func awaitDone(done <-chan struct{}, timeout time.Duration) bool {
	began := time.Now()
	for step := firstPatience; time.Since(began) < timeout; step *= 2 {
		patience := time.NewTimer(min(step, timeout-time.Since(began)))
		select {
		case <-done:
			patience.Stop()
			return true
		case <-patience.C:
		}
	}
	return false
}
