package handover

import (
	"errors"
	"net"
	"time"

	"sluice/core/guard"
	"sluice/core/shortage"
	"sluice/core/state"
)

// Door is where an agent asks for the streams. Its methods are not called concurrently.
type Door struct {
	knocks   chan *net.UnixConn
	closed   chan struct{}
	listener *net.UnixListener // nil until it is open
	guard    *guard.Guard
	pause    shortage.Pause
}

// NewDoor makes a door that is not open yet.
func NewDoor(guard *guard.Guard) *Door {
	return &Door{knocks: make(chan *net.UnixConn), closed: make(chan struct{}), guard: guard}
}

// Knocks gives the connections of agents that ask, which the receiver takes.
func (d *Door) Knocks() <-chan *net.UnixConn { return d.knocks }

// Open makes the socket in the directory, which must be locked. If that fails for now (a full
// state directory, no descriptors), the caller tries again when the returned channel fires: an
// agent that starts keeps asking for 30 seconds.
func (d *Door) Open(dir *state.Dir) (again <-chan time.Time, err error) {
	if d.listener, err = listen(dir); err != nil {
		return time.After(d.pause.Next()), err
	}
	d.guard.Go("listen for the agent", d.accept)
	return nil, nil
}

func (d *Door) wait(pause time.Duration) (goOn bool) {
	select {
	case <-d.closed:
		return false
	case <-time.After(pause):
		return true
	}
}

// accept passes on those who ask, one at a time, until the door is closed.
func (d *Door) accept() {
	var pause shortage.Pause
	for {
		conn, err := d.listener.AcceptUnix()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			if !d.wait(pause.Next()) {
				return
			}
			continue
		}
		pause = 0
		select {
		case d.knocks <- conn:
		case <-d.closed:
			_ = conn.Close()
			return
		}
	}
}

// Close ends it and removes the socket. It is called before the lock of the directory is given
// up.
func (d *Door) Close() {
	close(d.closed)
	if d.listener != nil {
		_ = d.listener.Close()
	}
}
