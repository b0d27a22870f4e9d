package engine

import (
	"fmt"
	"os"
	"runtime/debug"
	"sluice/core/owner"
	"sync"

	"golang.org/x/sys/unix"
)

// asking answers who asks the owner of the state directory what it does. The threads
// that wait for pipes wait for questions too; a goroutine there is only as long as one is
// answered.
type asking struct {
	engine   *Engine
	listener int

	mu     sync.Mutex
	conns  map[*os.File]bool
	closed bool
	done   chan struct{} // closed with closed
	wait   sync.WaitGroup
}

// maxAsking is how many are answered at a time; others wait in the kernel.
const maxAsking = 4

// listen makes the socket. Without it the logger works as well.
func (e *Engine) listen() {
	listener, err := e.state.ListenOwner()
	if err == nil {
		e.asking = &asking{engine: e, listener: listener, conns: map[*os.File]bool{}, done: make(chan struct{})}
		if err = e.scheduler.listen(listener, e.asking.take); err == nil {
			return
		}
		e.asking = nil
		_ = unix.Close(listener)
	}
	e.log.Warn("cannot be asked by sluice status and sluice rotate", "error", err)
}

// take accepts one connection, on a worker thread that waited for it, and has it answered.
func (a *asking) take() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	fd, _, err := unix.Accept4(a.listener, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
	if err == nil && allowed(fd) {
		conn := os.NewFile(uintptr(fd), "asking")
		a.conns[conn] = true
		a.wait.Go(func() { a.answer(conn) })
	} else if err == nil {
		_ = unix.Close(fd)
	}
	if len(a.conns) < maxAsking {
		a.engine.scheduler.listenAgain(a.listener)
	}
}

// allowed lets root ask, and the user of this process. The mode of the directory says
// the same; a descriptor can be handed on.
func allowed(fd int) bool {
	peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	return err == nil && (peer.Uid == 0 || int(peer.Uid) == os.Geteuid())
}

func (a *asking) answer(conn *os.File) {
	defer func() {
		if r := recover(); r != nil {
			a.engine.scheduler.panics.Add(1)
			a.engine.log.Error("fault while a question was answered", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		_ = conn.Close()
		if delete(a.conns, conn); len(a.conns) == maxAsking-1 && !a.closed {
			a.engine.scheduler.listenAgain(a.listener)
		}
	}()
	_ = owner.Answer(conn, a.engine) // who asked is gone or slow: nobody else minds
}

// close ends all answers and the socket. The state directory must be locked still.
func (a *asking) close() {
	if a == nil {
		return
	}
	_ = a.engine.state.CloseOwner()
	a.mu.Lock()
	a.closed = true
	close(a.done)
	for conn := range a.conns {
		_ = conn.Close()
	}
	a.mu.Unlock()
	a.wait.Wait()
	_ = unix.Close(a.listener)
}

// Status gives the streams that are served, in no order (owner.Engine).
func (e *Engine) Status() []owner.Stream {
	e.mu.Lock()
	serving := make([]*entry, 0, len(e.serving))
	for entry := range e.serving {
		serving = append(serving, entry)
	}
	e.mu.Unlock()
	streams := make([]owner.Stream, len(serving))
	for i, entry := range serving {
		streams[i] = entry.status()
	}
	return streams
}

// status is read while the stream is visited: only what does not change of its record.
func (e *entry) status() owner.Stream {
	r, a := e.stream.Record, e.stream.Account()
	s := owner.Stream{
		ID: e.id, Container: r.GetContainerId(), Stream: r.GetStream(), Framework: r.GetFrameworkId(),
		Executor: r.GetExecutorId(), Task: r.GetTaskId(), Sandbox: r.GetSandbox(), User: r.GetUser(),
		State:   owner.Served,
		InBytes: a.InBytes(), WrittenBytes: a.WrittenBytes, DroppedBytes: a.DroppedBytes, DroppedLines: a.DroppedLines,
		Files: a.Files, DiskBytes: a.DiskBytes, LiveBytes: e.stream.LiveBytes(),
		Rotations: a.Rotations, RotationErrors: a.RotationErrors, WriteErrors: a.WriteErrors,
		CreatedUnixNano: r.GetCreatedUnixNano(), LongestBlockedNanos: int64(a.LongestBlocked),
	}
	if last := e.stream.LastRotation(); !last.IsZero() {
		s.LastRotationUnixNano = last.UnixNano()
	}
	if in := a.InLines(); a.LinesKnown {
		s.InLines, s.WrittenLines = &in, &a.WrittenLines
	}
	switch {
	case e.stream.Dropping():
		s.State = owner.Dropping
	case e.stream.Blocked():
		s.State = owner.Blocked
	}
	return s
}
