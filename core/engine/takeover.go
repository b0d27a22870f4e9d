package engine

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
	// handoverTimeout is how long a keeper may take to finish what it has in hand, on a
	// machine that has much else to do: an agent that does not start is worse than one
	// that starts late.
	handoverTimeout = 30 * time.Second
	// handoverRetry is how soon a keeper is asked again that was about to listen.
	handoverRetry = 5 * time.Millisecond
)

// takeStateDir takes the lock of the state directory. A keeper that has it is asked
// to hand over, and may take its time as long as patience lasts; any other owner is
// an error at once. A keeper that handed over holds the pipes open until the caller
// closes opened, which is nil where there was none.
func takeStateDir(path string, patience time.Duration, log *slog.Logger) (dir *state.Dir, opened io.Closer, err error) {
	if dir, err = state.Attach(path); err != nil {
		return nil, nil, err
	}
	for deadline := time.Now().Add(patience); ; {
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
				ErrKeeperHangs, state.ProcessText(locked.PID), patience)
			return nil, nil, errors.Join(err, dir.Close())
		}
		done, err := askForHandover(dir, deadline)
		if err != nil {
			time.Sleep(handoverRetry) // it has the lock, and is about to listen
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

// askForHandover connects to the keeper and waits until it has let go. It does not
// take the lock before the returned connection is closed.
func askForHandover(dir *state.Dir, deadline time.Time) (done io.Closer, err error) {
	conn, err := dir.Dial()
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	// The keeper writes one byte when it owns nothing any more.
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}
