// Package keeper is the standby that serves the containers of an agent while the
// agent is away.
//
// While the agent lives the keeper is one thread asleep in the kernel, waiting for
// the lock of the state directory, which the kernel gives it the moment the agent
// dies. It then does with the streams what the agent would, by the same code and
// with the parameters that the agent left in the directory, until an agent that
// starts asks for them on a socket.
//
// It refuses to share: at any instant the agent or the keeper owns the streams.
package keeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sluice/core/engine"
	"sluice/core/settings"
	"sluice/core/state"
	"time"

	"golang.org/x/sys/unix"
)

// Config says what to keep.
type Config struct {
	// StateDir is the agent's state directory.
	StateDir string
	// Drain ends the keeper when the last stream has ended: for an operator who goes
	// back to another logger.
	Drain bool
	Log   *slog.Logger
}

// Timing of a handover and of draining.
const (
	takenTimeout = 10 * time.Second
	drainLook    = 100 * time.Millisecond
)

// errDrained ends a keeper whose work is done.
var errDrained = errors.New("every stream has ended")

// Run keeps until the context ends, or until everything is drained if that was asked
// for. It blocks. Streams that it owns when the context ends stay as they are: their
// containers write on until their pipes are full, for the next owner.
func Run(ctx context.Context, config Config) error {
	dir, err := state.Attach(config.StateDir)
	if err != nil {
		return err
	}
	keeperLock, err := dir.KeeperLock()
	if err != nil {
		return errors.Join(err, dir.Close())
	}
	defer unix.Close(keeperLock)
	for {
		config.Log.Info("standing by", "state_dir", config.StateDir)
		if err := waitLock(ctx, dir); err != nil {
			return err
		}
		err := own(ctx, dir, config)
		if errors.Is(err, errDrained) || errors.Is(err, context.Canceled) {
			return nil
		}
		if err != nil {
			return err
		}
		if dir, err = state.Attach(config.StateDir); err != nil {
			return err
		}
	}
}

// waitLock waits until the agent is gone. When the context ends first the thread
// that waits is left to the end of the process.
func waitLock(ctx context.Context, dir *state.Dir) error {
	got := make(chan error, 1)
	go func() { got <- dir.WaitLock() }()
	select {
	case err := <-got:
		return err
	case <-ctx.Done():
		return nil
	}
}

// own serves the streams until an agent has taken them over (nil), they have ended
// (errDrained) or the context has. It takes dir.
func own(ctx context.Context, dir *state.Dir, config Config) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	began := time.Now()
	listener, err := dir.Listen()
	if err != nil {
		return errors.Join(err, dir.Close())
	}
	defer listener.Close()
	module, err := agentSettings(dir, config)
	if err != nil {
		return errors.Join(err, dir.Close())
	}
	e, err := engine.Serve(dir, module, config.Log)
	if err != nil {
		return err
	}
	config.Log.Info("the agent is away; its containers are served here",
		"streams", e.Metrics().Streams, "after", time.Since(began).Round(time.Microsecond))
	return serve(ctx, e, listener, config)
}

// agentSettings gives the settings of the last agent. Its pipes are as it made them.
func agentSettings(dir *state.Dir, config Config) (settings.Module, error) {
	text, err := dir.LoadSettings()
	if err != nil {
		return settings.Module{}, err
	}
	given, err := settings.Decode(text)
	if err != nil {
		return settings.Module{}, fmt.Errorf("the settings in state_dir %q: %w", config.StateDir, err)
	}
	if len(given) == 0 {
		given = []settings.Parameter{{Key: "state_dir", Value: config.StateDir}}
	}
	module, _, err := settings.ParseModule(given)
	if err != nil {
		return module, fmt.Errorf("the parameters that the agent left in state_dir %q: %w", config.StateDir, err)
	}
	return module, nil
}

// serve waits for what ends the ownership. It closes the engine.
func serve(ctx context.Context, e *engine.Engine, listener *net.UnixListener, config Config) error {
	asked := make(chan *net.UnixConn)
	go func() {
		defer close(asked)
		for {
			conn, err := listener.AcceptUnix()
			if err != nil {
				return // closed
			}
			asked <- conn
		}
	}()
	defer drainAsked(listener, asked)
	var look <-chan time.Time
	if config.Drain {
		ticker := time.NewTicker(drainLook)
		defer ticker.Stop()
		look = ticker.C
	}
	for {
		select {
		case conn := <-asked:
			handOver(e, listener, conn, config)
			return nil
		case <-look:
			if e.Metrics().Streams == 0 {
				e.Close()
				config.Log.Info("the last stream has ended")
				return errDrained
			}
		case <-ctx.Done():
			e.Close()
			return ctx.Err()
		}
	}
}

// drainAsked ends the goroutine that accepts.
func drainAsked(listener *net.UnixListener, asked <-chan *net.UnixConn) {
	_ = listener.Close()
	for conn := range asked {
		_ = conn.Close()
	}
}

// handOver lets go of everything but the pipes, says so, and waits until the agent has
// opened them too.
func handOver(e *engine.Engine, listener *net.UnixListener, conn *net.UnixConn, config Config) {
	defer conn.Close()
	// Removed before the lock is given up: afterwards the directory is the agent's.
	_ = listener.Close()
	pipes := e.HandOver()
	defer func() {
		for _, pipe := range pipes {
			_ = unix.Close(pipe)
		}
	}()
	_ = conn.SetDeadline(time.Now().Add(takenTimeout))
	if _, err := conn.Write([]byte{1}); err != nil {
		config.Log.Warn("the agent that asked for the streams has gone", "error", err)
		return
	}
	_, _ = conn.Read(make([]byte, 1)) // the agent closes it when it has the streams
	config.Log.Info("handed the streams over to the agent")
}
