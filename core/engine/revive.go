package engine

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"sluice/core/guard"
	"sluice/core/sandbox"
	"sluice/core/settings"
	"sluice/core/shortage"
	"sluice/core/stream"
	"sluice/core/worker"
)

// group is what is recovered together: the streams of one sandbox, which is opened once
// for them, or one stream that has to be taken first.
type group struct {
	streams []*found
	box     *sharedSandbox // nil while no record says which
	tried   func()         // called once, after the first attempt
	faults  int            // of attempts that ended in a panic
}

// groups are the groups of a start, by the path of their sandbox.
type groups struct {
	all    []*group
	byPath map[string]*group
}

func newGroups() *groups { return &groups{byPath: map[string]*group{}} }

// add takes a stream whose record and pipe are there.
func (g *groups) add(f *found) {
	same := g.byPath[f.record.GetSandbox()]
	if same != nil && same.box.Device() == f.record.GetSandboxDevice() && same.box.Inode() == f.record.GetSandboxInode() {
		same.streams = append(same.streams, f)
		return
	}
	fresh := &group{streams: []*found{f}, box: expectBox(f)}
	g.byPath[f.record.GetSandbox()] = fresh
	g.all = append(g.all, fresh)
}

// addLater takes a stream that ran into a shortage.
func (g *groups) addLater(f *found) { g.all = append(g.all, &group{streams: []*found{f}}) }

// expectBox gives the sandbox of a record, not opened yet, with a share for the caller.
func expectBox(f *found) *sharedSandbox {
	box := &sharedSandbox{Dir: sandbox.Expect(f.record.GetSandbox(), f.record.GetSandboxDevice(), f.record.GetSandboxInode())}
	box.users.Add(1)
	return box
}

// reviveGroup tries until the streams of a group are served and their sandbox is open, or
// gone. It runs on a goroutine of its own, which may hang with the file system.
func (e *Engine) reviveGroup(g *group) {
	tried := sync.OnceFunc(g.tried)
	defer tried()
	defer func() {
		if g.box != nil {
			g.box.release()
		}
	}()
	var pause shortage.Pause
	for {
		done := false
		err := e.guard.Run("recover the streams of a container", func() (err error) {
			done, err = e.attempt(g)
			return err
		})
		var fault *guard.FaultError
		if errors.As(err, &fault) {
			e.faultyGroup(g)
		}
		if done || errors.Is(err, errClosed) {
			return
		}
		tried()
		select {
		case <-time.After(pause.Next()):
		case <-e.reactor.Stopping():
			return
		}
	}
}

// faultyGroup drains what a second fault has kept from being served.
func (e *Engine) faultyGroup(g *group) {
	if g.faults++; g.faults < 2 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range g.streams {
		if e.pending[f.id] == f && f.pipe != noPipe && f.entry == nil {
			e.drain(f, stream.Panic)
		}
	}
}

// attempt goes as far as it gets. It reports true when nothing is left to do.
func (e *Engine) attempt(g *group) (done bool, err error) {
	if g.box == nil {
		if done, err = e.takeLate(g); done || err != nil || g.box == nil {
			return done, err
		}
	}
	err = e.reach(g.box)
	if shortage.Is(err) {
		return false, nil // nothing is dropped for it
	}
	for _, f := range g.streams {
		if err := e.reviveOne(f, g.box); err != nil {
			return false, err
		}
	}
	return err == nil || errors.Is(err, sandbox.ErrGone) || !e.stillServed(g), nil
}

// takeLate takes the stream of a group that could not be taken at the start.
func (e *Engine) takeLate(g *group) (done bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.serving == nil {
		return false, errClosed
	}
	f := g.streams[0]
	var seen report
	switch e.take(f, &seen) {
	case nothing:
		seen.tell(e.log)
		return true, nil
	case revive:
		seen.tell(e.log)
		g.box = expectBox(f)
	case again:
		seen.scratch.Close()
	}
	return false, nil
}

// reach opens the sandbox, with the rights of the host: the directories above may be
// closed to the task's user. A file system that hangs holds a bounded number of threads.
func (e *Engine) reach(box *sharedSandbox) error {
	slots := e.reaching.of(box.Device())
	slots <- struct{}{}
	defer func() { <-slots }()
	if before := beforeReach.Load(); before != nil {
		(*before)()
	}
	return box.Reach()
}

// beforeReach is called before a sandbox is opened. Only tests set it.
var beforeReach atomic.Pointer[func()]

// deviceSlots bound what may hang in one file system.
type deviceSlots struct {
	mu    sync.Mutex
	slots map[uint64]chan struct{}
}

func (d *deviceSlots) of(device uint64) chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.slots == nil {
		d.slots = map[uint64]chan struct{}{}
	}
	if d.slots[device] == nil {
		d.slots[device] = make(chan struct{}, worker.PerDevice)
	}
	return d.slots[device]
}

// reviveOne serves a stream, unless that was done. Whatever keeps its files from being
// opened: it is a stream in an outage then, and goes on when that is over.
func (e *Engine) reviveOne(f *found, box *sharedSandbox) error {
	s := e.recordedSettings(f.record)
	entry, err := e.recoveredEntry(f, box, s)
	if entry == nil {
		return err
	}
	if err := e.open(entry); err != nil && !errors.Is(err, worker.ErrClosed) {
		entry.Stream.Log.Error("cannot open the files of a stream that was found; it goes on when that works", "error", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.serving == nil {
		entry.release()
		return errClosed
	}
	e.recovered++
	e.serveLocked(entry)
	return nil
}

// recoveredEntry makes the entry of a stream, which takes its pipe; nil where it has been
// done.
func (e *Engine) recoveredEntry(f *found, box *sharedSandbox, s settings.Stream) (*entry, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.serving == nil:
		return nil, errClosed
	case e.pending[f.id] != f:
		return nil, nil
	case f.entry != nil:
		return f.entry, nil
	}
	f.entry = e.newEntry(parts{
		id: f.id, record: f.record, pipe: f.pipe, box: box, settings: s,
		former: grantedPolicy(f.record), log: e.logOf(f.record),
	})
	return f.entry, nil
}

// stillServed tells whether a stream of the group has not ended.
func (e *Engine) stillServed(g *group) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range g.streams {
		if e.serving[f.entry] {
			return true
		}
	}
	return false
}
