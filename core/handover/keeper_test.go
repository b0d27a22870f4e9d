package handover

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/guard"
	"sluice/core/state"
)

// piped is an owner with one pipe, whose reading end it gives up with the lock.
type piped struct {
	dir  *state.Dir
	pipe int
}

func (p piped) HandOver() []int {
	_ = p.dir.Close()
	return []int{p.pipe}
}

// handing is a keeper that owns a directory and is asked by an agent.
type handing struct {
	keeper Keeper
	owner  piped
	path   string
	agent  *net.UnixConn // the agent's side of the connection
	conn   *net.UnixConn // the keeper's
	writes int           // into the pipe
	log    bytes.Buffer
}

func newHanding(t *testing.T) *handing {
	t.Helper()
	h := &handing{path: filepath.Join(t.TempDir(), "state")}
	log := slog.New(slog.NewTextHandler(&h.log, nil))
	guard := guard.New(log)
	h.keeper = Keeper{StateDir: h.path, Log: log, Guard: guard}
	dir, err := state.Open(h.path)
	require.NoError(t, err)
	var pipe [2]int
	require.NoError(t, unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK))
	h.owner, h.writes = piped{dir, pipe[0]}, pipe[1]
	t.Cleanup(func() { h.keeper.Release(); _ = unix.Close(h.writes) })
	door := NewDoor(guard)
	defer door.Close()
	_, err = door.Open(dir)
	require.NoError(t, err)
	h.agent, err = dial(dir)
	require.NoError(t, err)
	h.conn = <-door.Knocks()
	return h
}

// alive tells whether anybody has the reading end of the pipe.
func (h *handing) alive() bool {
	_, err := unix.Write(h.writes, []byte("x"))
	return err == nil
}

func TestThePipesAreTheAgents(t *testing.T) {
	h := newHanding(t)
	done := make(chan error, 1)
	go func() { done <- h.keeper.HandOver(t.Context(), h.owner, h.conn) }()
	_, err := io.ReadFull(h.agent, make([]byte, 1))
	require.NoError(t, err)
	assert.True(t, h.alive(), "until the agent has opened it too")
	stop := otherOwner(t, h.path)
	require.NoError(t, h.agent.Close())
	require.NoError(t, <-done)
	assert.False(t, h.keeper.Holds())
	assert.False(t, h.alive())
	assert.Contains(t, h.log.String(), "handed the streams over to the agent")
	stop()
}

// An agent dies before it hears that the lock is free, or after it, without the lock.
func TestThePipesAreHeldWhereTheAgentDies(t *testing.T) {
	for _, hears := range []bool{false, true} {
		h := newHanding(t)
		if !hears {
			require.NoError(t, h.agent.Close())
			require.NoError(t, h.keeper.HandOver(t.Context(), h.owner, h.conn))
		} else {
			done := make(chan error, 1)
			go func() { done <- h.keeper.HandOver(t.Context(), h.owner, h.conn) }()
			_, err := io.ReadFull(h.agent, make([]byte, 1))
			require.NoError(t, err)
			require.NoError(t, h.agent.Close())
			require.NoError(t, <-done)
		}
		assert.True(t, h.keeper.Holds())
		assert.True(t, h.alive())
		h.keeper.Release()
		assert.False(t, h.alive())
	}
}

// A keeper that is told to end while the agent opens the pipes ends.
func TestAHandoverEndsWithItsContext(t *testing.T) {
	h := newHanding(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.keeper.HandOver(ctx, h.owner, h.conn) }()
	_, err := io.ReadFull(h.agent, make([]byte, 1))
	require.NoError(t, err)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	require.NoError(t, h.agent.Close())
}
