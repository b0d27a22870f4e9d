package control

import (
	"context"
	"errors"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"sluice/core/guard"
	"sluice/core/shortage"
	"sluice/core/state"
)

// Poller is where the server waits for connections, along with all else that the owner waits
// for.
type Poller interface {
	// Listen calls accept, on a thread of the poller, when somebody connects to the listener:
	// once, until ListenAgain. accept does not block.
	Listen(listener int, accept func()) error
	ListenAgain(listener int)
}

// Server answers those who ask the owner of a state directory what it does. It has goroutines
// only while it answers.
type Server struct {
	owner    Owner
	dir      *state.Dir
	poller   Poller
	guard    *guard.Guard
	listener int
	// ctx ends with the server, which first answers what is under way.
	ctx context.Context
	end context.CancelCauseFunc

	mu     sync.Mutex
	conns  map[*os.File]bool
	pause  shortage.Pause // after connections that could not be accepted
	closed bool
	wait   sync.WaitGroup
}

// MostAnswers is how many questions are answered at a time; others wait in the kernel.
const MostAnswers = 4

// errClosing is the error of rotations that were not made before the server closed.
var errClosing = errors.New("the owner gives its streams up; ask the next one")

// Serve makes the socket in the directory, which must be locked, and answers there until
// Close. It borrows dir until then.
func Serve(dir *state.Dir, owner Owner, poller Poller, guard *guard.Guard) (*Server, error) {
	listener, err := listen(dir)
	if err != nil {
		return nil, err
	}
	s := &Server{owner: owner, dir: dir, poller: poller, guard: guard, listener: listener, conns: map[*os.File]bool{}}
	s.ctx, s.end = context.WithCancelCause(context.Background())
	if err := poller.Listen(listener, s.accept); err != nil {
		_ = unix.Close(listener)
		return nil, err
	}
	return s, nil
}

// accept is acceptOne, but no fault in it reaches the thread, on which all streams wait.
func (s *Server) accept() {
	_ = s.guard.Run("accept a question", func() error { s.acceptOne(); return nil })
}

// acceptOne accepts one connection, on the worker thread that waited for it, and has it answered.
func (s *Server) acceptOne() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	fd, _, err := unix.Accept4(s.listener, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
	switch err {
	case nil, unix.EAGAIN, unix.EINTR, unix.ECONNABORTED:
	default:
		// The connection stays in the kernel's queue, which would report it again at once.
		s.guard.AfterFunc(s.pause.Next(), "accept again", s.again)
		return
	}
	s.pause = 0
	if err == nil && allowed(fd) {
		conn := os.NewFile(uintptr(fd), "asking")
		s.conns[conn] = true
		s.wait.Add(1)
		s.guard.Go("answer a question", func() { defer s.wait.Done(); s.answer(conn) })
	} else if err == nil {
		_ = unix.Close(fd)
	}
	if len(s.conns) < MostAnswers {
		s.poller.ListenAgain(s.listener)
	}
}

// again listens again after a pause.
func (s *Server) again() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.poller.ListenAgain(s.listener)
	}
}

// allowed lets root and the user of this process ask. The mode of the directory does the same,
// but a descriptor can be handed on.
func allowed(fd int) bool {
	peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	return err == nil && (peer.Uid == 0 || int(peer.Uid) == os.Geteuid())
}

func (s *Server) answer(conn *os.File) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		_ = conn.Close()
		if delete(s.conns, conn); len(s.conns) == MostAnswers-1 && !s.closed {
			s.poller.ListenAgain(s.listener)
		}
	}()
	_ = Answer(s.ctx, conn, s.owner) // if the asker is gone or slow nobody else minds
}

// Close ends all answers and removes the socket. The state directory must still be locked. A
// nil server has nothing to close.
func (s *Server) Close() {
	if s == nil {
		return
	}
	_ = s.dir.RemoveSocket(state.OwnerSocket)
	s.refuse()
	s.wait.Wait()
	_ = unix.Close(s.listener)
}

// refuse ends what is being answered, and accepts nothing else.
func (s *Server) refuse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.end(errClosing)
	for conn := range s.conns {
		_ = conn.Close()
	}
}
