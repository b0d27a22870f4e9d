// Package keeper is the standby that serves the containers of an agent while the agent is
// away.
//
// While the agent lives, the keeper has the pipes of all streams open and sleeps. It waits for
// the lock of the state directory, which the kernel gives it the moment the agent dies. Then
// it does with the streams what the agent would, by the same code and with the parameters that
// the agent left in the directory, until a new agent asks for them on a socket.
//
// It refuses to share: at any instant either the agent or the keeper owns the streams. And it
// refuses to give up: once it has had the lock, it tries again whatever keeps it from serving,
// because without it nobody reads the pipes.
package keeper

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/engine"
	"sluice/core/guard"
	"sluice/core/handover"
	"sluice/core/shortage"
	"sluice/core/state"
)

// Config says what to keep.
type Config struct {
	// StateDir is the agent's state directory.
	StateDir string
	// Drain ends the keeper when the last stream has ended, for an operator who goes back to
	// another logger.
	Drain bool
	// Detached says that it was started in the background, so no service manager starts it
	// again.
	Detached bool
	Log      *slog.Logger
}

// drainLook is how often a draining keeper checks whether streams are left.
const drainLook = 100 * time.Millisecond

// errDrained ends a keeper whose work is done.
var errDrained = errors.New("every stream has ended")

// keeper is a Config at work.
type keeper struct {
	Config
	guard    *guard.Guard
	handover handover.Keeper
}

// Run keeps until the context ends, or until everything is drained if Drain is set. It blocks.
// Streams that it owns when the context ends stay as they are: their containers write on until
// their pipes are full, for the next owner. It fails if it cannot become the keeper; afterwards
// it logs what goes wrong and tries again.
func Run(ctx context.Context, config Config) error {
	dir, err := state.Attach(config.StateDir)
	if err != nil {
		return err
	}
	says := ""
	if config.Detached {
		says = state.DetachedKeeper
	}
	keeperLock, err := dir.KeeperLock(says)
	if err != nil {
		return errors.Join(err, dir.Close())
	}
	defer unix.Close(keeperLock)
	k := &keeper{Config: config, guard: guard.New(config.Log)}
	k.handover = handover.Keeper{StateDir: config.StateDir, Log: config.Log, Guard: k.guard}
	defer k.handover.Release()
	var pause shortage.Pause
	for {
		err := k.turn(ctx, dir)
		switch {
		case errors.Is(err, errDrained) || ctx.Err() != nil:
			return nil
		case err == nil:
			pause = 0
		default:
			k.Log.Error("cannot serve the containers; it is tried again", "error", err)
			waitFor(ctx, pause.Next())
		}
		for dir, err = state.Attach(config.StateDir); err != nil && ctx.Err() == nil; dir, err = state.Attach(config.StateDir) {
			k.Log.Error("cannot open the state directory; it is tried again", "error", err)
			waitFor(ctx, pause.Next())
		}
	}
}

func waitFor(ctx context.Context, pause time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}

// turn waits for the lock and serves until an agent has taken over (nil), or the streams
// (errDrained) or the context have ended. It takes dir.
func (k *keeper) turn(ctx context.Context, dir *state.Dir) error {
	if _, err := dir.Owned(); err != nil { // this opens the lock for all later questions
		return errors.Join(err, dir.Close())
	}
	held := hold(dir, k.guard, k.Log)
	defer held.release()
	k.Log.Info("standing by", "state_dir", k.StateDir)
	if err := k.waitLock(ctx, dir); err != nil {
		held.stop()
		return errors.Join(err, dir.Close())
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	held.stop()
	began := time.Now()
	// Pipes that are held since a handover were this keeper's all the time.
	had := k.handover.Holds()
	e, err := engine.Serve(dir, k.agentSettings(dir), k.Log, func(id string) bool { return had || held.has(id) })
	held.release()
	if err != nil {
		return err
	}
	k.handover.Release()
	k.Log.Info("the agent is away; its containers are served here",
		"streams", e.Metrics().Streams, "after", time.Since(began).Round(time.Microsecond))
	conn, err := k.serve(ctx, e, dir)
	if conn != nil {
		return k.handover.HandOver(ctx, e, conn)
	}
	e.Close()
	return err
}

// waitLock waits until the agent is gone. If the context ends first, the waiting thread stays
// until the end of the process, and dir with it.
func (k *keeper) waitLock(ctx context.Context, dir *state.Dir) error {
	got := make(chan error, 1)
	k.guard.Go("wait for the lock", func() {
		err := errors.New("the wait for the lock ended in a fault")
		defer func() { got <- err }()
		err = dir.WaitLock()
	})
	select {
	case err := <-got:
		return err
	case <-ctx.Done():
		return nil
	}
}

// serve waits for the end of the ownership: an agent asks for the streams, whose connection it
// then returns, or an error. It leaves the engine, and with it dir, to the caller.
func (k *keeper) serve(ctx context.Context, e *engine.Engine, dir *state.Dir) (*net.UnixConn, error) {
	door := handover.NewDoor(k.guard)
	defer door.Close()
	again, err := door.Open(dir)
	if err != nil {
		k.Log.Warn("an agent that starts cannot ask for the streams yet; it is tried again", "error", err)
	}
	look := time.NewTicker(drainLook)
	defer look.Stop()
	if !k.Drain {
		look.Stop()
	}
	for {
		select {
		case conn := <-door.Knocks():
			return conn, nil
		case <-again:
			again, _ = door.Open(dir)
		case <-look.C:
			if e.Metrics().Streams == 0 {
				k.Log.Info("the last stream has ended")
				return nil, errDrained
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
