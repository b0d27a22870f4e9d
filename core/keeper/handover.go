package keeper

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"sluice/core/engine"
	"sluice/core/guard"
	"sluice/core/shortage"
	"sluice/core/state"
)

const (
	// slowOpening is after how long an agent is reported that has asked for the streams
	// and has not opened them.
	slowOpening = 10 * time.Second
	// afterDeath is for how long the pipes stay open after an agent has closed its
	// connection. It does that when it has opened them and when it dies, which only the
	// lock tells apart, and the kernel closes the one before it frees the other.
	afterDeath = 200 * time.Millisecond
	// deathLook is how often the lock is tried meanwhile.
	deathLook = 5 * time.Millisecond
)

// door is where an agent asks for the streams.
type door struct {
	knocks   chan *net.UnixConn
	closed   chan struct{}
	listener *net.UnixListener // nil until it could be opened
	guard    *guard.Guard
	pause    shortage.Pause
}

func newDoor(guard *guard.Guard) *door {
	return &door{knocks: make(chan *net.UnixConn), closed: make(chan struct{}), guard: guard}
}

// open makes the socket in the directory, which must be locked. Where that cannot be done
// now (a full state directory, no descriptors) the caller tries again when the returned
// channel tells: an agent that starts asks for 30 seconds.
func (d *door) open(dir *state.Dir) (again <-chan time.Time, err error) {
	if d.listener, err = dir.Listen(); err != nil {
		return time.After(d.pause.Next()), err
	}
	d.guard.Go("listen for the agent", d.accept)
	return nil, nil
}

func (d *door) wait(pause time.Duration) (goOn bool) {
	select {
	case <-d.closed:
		return false
	case <-time.After(pause):
		return true
	}
}

// accept passes on who asks, one at a time, until the door is closed.
func (d *door) accept() {
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

// close ends it and removes the socket: before the lock of the directory is given up.
func (d *door) close() {
	close(d.closed)
	if d.listener != nil {
		_ = d.listener.Close()
	}
}

// handOver lets go of everything but the pipes, says so, and holds them until the agent
// has opened them too, however long that takes it: a container that ends before would
// take what is in its pipe with it. It keeps them where the agent has died over it.
func (k *keeper) handOver(ctx context.Context, e *engine.Engine, conn *net.UnixConn) error {
	defer conn.Close()
	k.pipes = e.HandOver()
	if _, err := conn.Write([]byte{1}); err != nil {
		k.Log.Warn("the agent that asked for the streams has gone", "error", err)
		return nil
	}
	k.awaitClosing(ctx, conn)
	if ctx.Err() != nil || k.agentDied(ctx) {
		return ctx.Err()
	}
	k.release()
	k.Log.Info("handed the streams over to the agent")
	return nil
}

// awaitClosing waits until the agent has closed its connection, or the context ends.
func (k *keeper) awaitClosing(ctx context.Context, conn *net.UnixConn) {
	closed := make(chan struct{})
	k.guard.Go("wait until the agent has the streams", func() {
		defer close(closed)
		_, _ = io.Copy(io.Discard, conn)
	})
	slow := time.NewTimer(slowOpening)
	defer slow.Stop()
	for {
		select {
		case <-closed:
			return
		case <-ctx.Done():
			return
		case <-slow.C:
			k.Log.Warn("the agent has asked for the streams and has not opened them yet; their pipes are held open for it",
				"pipes", len(k.pipes), "after", slowOpening)
		}
	}
}

// agentDied tells whether nobody has the lock of the state directory. The pipes are then
// held on, until they are served here.
func (k *keeper) agentDied(ctx context.Context) bool {
	dir, err := state.Attach(k.StateDir)
	if err != nil {
		return true // it cannot be told
	}
	defer dir.Close()
	for began := time.Now(); ; waitFor(ctx, deathLook) {
		if owned, err := dir.Owned(); err == nil && !owned {
			k.Log.Warn("the agent that asked for the streams died before it had them")
			return true
		}
		if time.Since(began) >= afterDeath || ctx.Err() != nil {
			return false
		}
	}
}
