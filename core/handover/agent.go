// Package handover moves a state directory, with the pipes of its streams, from a keeper
// that owns it to an agent that starts.
//
// The agent finds the directory locked by a keeper and connects to the keeper's socket. The
// keeper stops serving, gives up the lock and writes one byte. The agent takes the lock, opens
// the pipes and closes the connection. Until then the keeper has them open, so that a container
// that ends meanwhile leaves its last bytes in them. If the agent dies over this, nobody has the
// lock: the keeper, which waits for it, serves again.
//
// At any instant one of them has the lock, or nobody. To the package an owner is what it gives
// up; the package refuses to take anything from an owner that is not a keeper.
package handover

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"sluice/core/state"
)

// ErrKeeperHangs says that a keeper has the state directory and does not hand over.
var ErrKeeperHangs = errors.New("the keeper does not hand the state directory over")

const (
	// timeout is how long a keeper on a busy machine may take to finish what it has in
	// hand: an agent that does not start is worse than one that starts late.
	timeout = 30 * time.Second
	// retryPause is how soon to ask again a keeper that was about to listen.
	retryPause = 5 * time.Millisecond
)

// Take opens a state directory and takes its lock, for an agent. It asks a keeper that has the
// lock to hand over, which may take up to half a minute (ErrKeeperHangs); any other owner is an
// error at once, a *state.LockedError. Other errors are those of state.Attach. A keeper that
// handed over holds the pipes open until the caller closes opened, which is nil if there was no
// keeper. Take blocks.
func Take(path string, log *slog.Logger) (dir *state.Dir, opened io.Closer, err error) {
	return take(path, timeout, log)
}

func take(path string, timeout time.Duration, log *slog.Logger) (dir *state.Dir, opened io.Closer, err error) {
	if dir, err = state.Attach(path); err != nil {
		return nil, nil, err
	}
	for deadline := time.Now().Add(timeout); ; {
		err := dir.TryLock()
		if err == nil {
			return dir, nil, nil
		}
		var locked *state.LockedError
		if !errors.As(err, &locked) || !locked.Keeper {
			return nil, nil, errors.Join(err, dir.Close())
		}
		if time.Now().After(deadline) {
			err = fmt.Errorf("%w: %s, asked for %v: stop it or send it SIGKILL; nothing is lost by that",
				ErrKeeperHangs, state.ProcessText(locked.PID), timeout)
			return nil, nil, errors.Join(err, dir.Close())
		}
		done, err := ask(dir, deadline)
		if err != nil {
			time.Sleep(retryPause) // it has the lock, and is about to listen
			continue
		}
		// The keeper waits for the lock again only once this connection is closed.
		if err = dir.TryLock(); err == nil {
			log.Info("took the streams over from the keeper", "pid", locked.PID)
			return dir, done, nil
		}
		_ = done.Close()
	}
}

// ask connects to the keeper and waits until it has let go. The keeper does not take the lock
// before the returned connection is closed.
func ask(dir *state.Dir, deadline time.Time) (done io.Closer, err error) {
	conn, err := dial(dir)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	// The keeper writes one byte once it owns nothing any more.
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}
