package handover

import (
	"context"
	"io"
	"log/slog"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/guard"
	"sluice/core/state"
)

const (
	// slowOpening is how long an agent that has asked for the streams may take to open them
	// before that is reported.
	slowOpening = 10 * time.Second
	// afterDeath is how long the pipes stay open after an agent has closed its connection.
	// That happens when it has opened them and when it dies. Only the lock distinguishes
	// these, and the kernel closes the connection before it frees the lock.
	afterDeath = 200 * time.Millisecond
	// deathLook is how often the lock is tried meanwhile.
	deathLook = 5 * time.Millisecond
)

// Owner is what has the streams and gives them up.
type Owner interface {
	// HandOver stops serving and gives up the lock of the state directory. The caller takes
	// the reading ends of the pipes.
	HandOver() (pipes []int)
}

// Keeper is the half of a keeper. Its methods are not called concurrently.
type Keeper struct {
	StateDir string
	Log      *slog.Logger
	Guard    *guard.Guard
	// pipes are held since the last handover, until it is known that somebody else has
	// opened them, or they are opened here again.
	pipes []int
}

// HandOver has the owner let go of everything but the pipes, and tells the agent that has asked
// on conn. It holds the pipes until the agent has opened them too, however long that takes: a
// container that ended before that would take the contents of its pipe with it. If the agent
// dies over this it goes on holding them: see Holds. It takes conn, and fails when the context
// ends.
func (k *Keeper) HandOver(ctx context.Context, owner Owner, conn *net.UnixConn) error {
	defer conn.Close()
	k.pipes = owner.HandOver()
	if _, err := conn.Write([]byte{1}); err != nil {
		k.Log.Warn("the agent that asked for the streams has gone", "error", err)
		return nil
	}
	k.awaitClosing(ctx, conn)
	if ctx.Err() != nil || k.agentDied(ctx) {
		return ctx.Err()
	}
	k.Release()
	k.Log.Info("handed the streams over to the agent")
	return nil
}

// Holds tells whether pipes are still held after a handover that came to nothing.
func (k *Keeper) Holds() bool { return len(k.pipes) > 0 }

// Release closes the pipes of the last handover.
func (k *Keeper) Release() {
	for _, pipe := range k.pipes {
		_ = unix.Close(pipe)
	}
	k.pipes = nil
}

// awaitClosing waits until the agent has closed its connection, or the context ends.
func (k *Keeper) awaitClosing(ctx context.Context, conn *net.UnixConn) {
	closed := make(chan struct{})
	k.Guard.Go("wait until the agent has the streams", func() {
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

// agentDied tells whether nobody has the lock of the state directory. Then the pipes stay held
// until they are served here.
func (k *Keeper) agentDied(ctx context.Context) bool {
	dir, err := state.Attach(k.StateDir)
	if err != nil {
		return true // in doubt
	}
	defer dir.Close()
	for began := time.Now(); ; wait(ctx, deathLook) {
		if owned, err := dir.Owned(); err == nil && !owned {
			k.Log.Warn("the agent that asked for the streams died before it had them")
			return true
		}
		if time.Since(began) >= afterDeath || ctx.Err() != nil {
			return false
		}
	}
}

func wait(ctx context.Context, pause time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}
