package control

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/guard"
	"sluice/core/state"
)

// polled waits for one listener, on a goroutine each time.
type polled struct {
	accept func()
	wait   sync.WaitGroup
	end    [2]int // a pipe, whose closing ends all waits
}

func (p *polled) Listen(listener int, accept func()) error {
	p.accept = accept
	p.ListenAgain(listener)
	return nil
}

func (p *polled) ListenAgain(listener int) {
	p.wait.Add(1)
	go func() {
		defer p.wait.Done()
		fds := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}, {Fd: int32(p.end[0])}}
		for n, err := unix.Poll(fds, -1); err == unix.EINTR || n == 0; n, err = unix.Poll(fds, -1) {
		}
		if fds[1].Revents == 0 {
			p.accept()
		}
	}()
}

// never is an owner whose disk hangs: it rotates nothing before the context ends.
type never struct{ asked chan struct{} }

func (never) Status() []Stream { return []Stream{{ID: "x", State: Blocked}} }

func (n never) Rotate(ctx context.Context, ids []string) (rotated []Rotated) {
	close(n.asked)
	<-ctx.Done()
	for _, id := range ids {
		rotated = append(rotated, Rotated{ID: id, Error: context.Cause(ctx).Error()})
	}
	return rotated
}

// served is a server with the directory that it serves, as others see it.
func served(t *testing.T, owner Owner) (*Server, *state.View) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state")
	dir, err := state.Open(path)
	require.NoError(t, err)
	view, err := state.OpenView(path)
	require.NoError(t, err)
	_, err = Dial(t.Context(), view)
	require.ErrorIs(t, err, ErrNoOwner)
	p := &polled{}
	require.NoError(t, unix.Pipe2(p.end[:], unix.O_CLOEXEC))
	s, err := Serve(dir, owner, p, guard.New(slog.New(slog.DiscardHandler)))
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, unix.Close(p.end[1]))
		p.wait.Wait()
		_, err := Dial(context.Background(), view)
		require.ErrorIs(t, err, ErrNoOwner)
		require.NoError(t, unix.Close(p.end[0]))
		require.NoError(t, view.Close())
		require.NoError(t, dir.Close())
	})
	return s, view
}

// More connect than are answered at a time, and ask nothing: the next is answered when
// their time is over.
func TestServerOutlastsThoseWhoAskNothing(t *testing.T) {
	s, view := served(t, fixed{[]Stream{{ID: "x"}}})
	defer s.Close()
	for range 2 * MostAnswers {
		conn, err := Dial(t.Context(), view)
		require.NoError(t, err)
		defer conn.Close()
	}
	began := time.Now()
	conn, err := Dial(t.Context(), view)
	require.NoError(t, err)
	_, streams, err := Status(conn)
	require.NoError(t, err)
	assert.Equal(t, []Stream{{ID: "x"}}, streams)
	assert.GreaterOrEqual(t, time.Since(began), questionTime)
}

// Close waits for no disk: what was not rotated is told, or the connection is closed.
func TestServerClosesDuringARotation(t *testing.T) {
	owner := never{make(chan struct{})}
	s, view := served(t, owner)
	conn, err := Dial(t.Context(), view)
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, rotated, err := Rotate(conn, []string{"x"})
		if err == nil {
			assert.Equal(t, []Rotated{{ID: "x", Error: errClosing.Error()}}, rotated)
		}
	}()
	<-owner.asked
	began := time.Now()
	s.Close()
	assert.Less(t, time.Since(began), Patience)
	<-done
}
