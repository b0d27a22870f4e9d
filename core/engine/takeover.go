package engine

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sluice/core/state"
	"time"
)

// ErrKeeperHangs says that a keeper has the state directory and does not hand over.
var ErrKeeperHangs = errors.New("the keeper does not hand the state directory over")

const (
	// handoverTimeout is how long a keeper may take to finish what it has in hand.
	handoverTimeout = 10 * time.Second
	// handoverRetry is how soon a keeper is asked again that was about to listen.
	handoverRetry = 5 * time.Millisecond
)

// takeStateDir takes the lock of the state directory. A keeper that has it is asked
// to hand over, and may take its time as long as patience lasts; any other owner is
// an error at once.
func takeStateDir(path string, patience time.Duration, log *slog.Logger) (*state.Dir, error) {
	dir, err := state.Attach(path)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(patience); ; {
		err := dir.TryLock()
		if err == nil {
			return dir, nil
		}
		var locked *state.LockedError
		if !errors.As(err, &locked) || !locked.Keeper {
			return nil, errors.Join(err, dir.Close())
		}
		if time.Now().After(deadline) {
			err = fmt.Errorf("%w: process %d, asked for %v: stop it or send it SIGKILL; nothing is lost by that",
				ErrKeeperHangs, locked.PID, patience)
			return nil, errors.Join(err, dir.Close())
		}
		done, err := askForHandover(dir, deadline)
		if err != nil {
			time.Sleep(handoverRetry) // it has the lock, and is about to listen
			continue
		}
		// The keeper waits for the lock again only once this connection is closed.
		err = dir.TryLock()
		_ = done.Close()
		if err == nil {
			log.Info("took the streams over from the keeper", "pid", locked.PID)
			return dir, nil
		}
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
