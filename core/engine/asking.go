package engine

import (
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"sluice/core/control"
	"sluice/core/shortage"
)

// asking answers who asks the owner of the state directory what it does. The threads
// that wait for pipes wait for questions too; a goroutine there is only as long as one is
// answered.
type asking struct {
	engine   *Engine
	listener int

	mu     sync.Mutex
	conns  map[*os.File]bool
	pause  shortage.Pause // after connections that could not be accepted
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
		if err = e.reactor.Loop.Listen(listener, e.asking.guarded); err == nil {
			return
		}
		e.asking = nil
		_ = unix.Close(listener)
	}
	e.log.Warn("cannot be asked by sluice status and sluice rotate", "error", err)
}

// guarded is take for the thread on which all streams wait.
func (a *asking) guarded() {
	_ = a.engine.guard.Run("accept a question", func() error { a.take(); return nil })
}

// take accepts one connection, on a worker thread that waited for it, and has it answered.
func (a *asking) take() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	fd, _, err := unix.Accept4(a.listener, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
	switch err {
	case nil, unix.EAGAIN, unix.EINTR, unix.ECONNABORTED:
	default:
		// Who connects stays in the kernel's queue, and would be told of again at once.
		a.engine.guard.AfterFunc(a.pause.Next(), "accept again", a.again)
		return
	}
	a.pause = 0
	if err == nil && allowed(fd) {
		conn := os.NewFile(uintptr(fd), "asking")
		a.conns[conn] = true
		a.wait.Add(1)
		a.engine.guard.Go("answer a question", func() { defer a.wait.Done(); a.answer(conn) })
	} else if err == nil {
		_ = unix.Close(fd)
	}
	if len(a.conns) < maxAsking {
		a.engine.reactor.Loop.ListenAgain(a.listener)
	}
}

// again listens again after a pause.
func (a *asking) again() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.engine.reactor.Loop.ListenAgain(a.listener)
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
		a.mu.Lock()
		defer a.mu.Unlock()
		_ = conn.Close()
		if delete(a.conns, conn); len(a.conns) == maxAsking-1 && !a.closed {
			a.engine.reactor.Loop.ListenAgain(a.listener)
		}
	}()
	_ = control.Answer(conn, a.engine) // who asked is gone or slow: nobody else minds
}

// close ends all answers and the socket. The state directory must be locked still.
func (a *asking) close() {
	if a == nil {
		return
	}
	_ = a.engine.state.CloseOwner()
	a.refuse()
	a.wait.Wait()
	_ = unix.Close(a.listener)
}

// refuse ends what is being answered, and has nothing else accepted.
func (a *asking) refuse() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	close(a.done)
	for conn := range a.conns {
		_ = conn.Close()
	}
}
