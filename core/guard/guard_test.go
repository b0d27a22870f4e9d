package guard

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAPanicIsAnError(t *testing.T) {
	var log bytes.Buffer
	g := New(slog.New(slog.NewTextHandler(&log, nil)))
	err := g.Run("break", func() error { panic("broken") })
	var fault *FaultError
	require.ErrorAs(t, err, &fault)
	assert.Equal(t, "break", fault.Work)
	assert.Equal(t, "fault in the core of sluice: broken; the stack is in the log", err.Error())
	assert.Contains(t, log.String(), "guard_test.go", "with the stack")
	assert.Equal(t, int64(1), g.Caught())

	mine := errors.New("mine")
	require.ErrorIs(t, g.Run("fail", func() error { return mine }), mine)
	assert.Equal(t, int64(1), g.Caught())
}

// panickingLog is a handler that has a fault of its own.
type panickingLog struct{ slog.Handler }

func TestAPanicOfTheLogIsCaughtToo(t *testing.T) {
	g := New(slog.New(panickingLog{}))
	require.Error(t, g.Run("break", func() error { panic("broken") }))
}

func TestGoroutinesAndTimersAreGuarded(t *testing.T) {
	g := New(slog.New(slog.DiscardHandler))
	done := make(chan struct{})
	g.Go("break", func() { defer func() { done <- struct{}{} }(); panic("broken") })
	g.AfterFunc(time.Millisecond, "break", func() { defer func() { done <- struct{}{} }(); panic("broken") })
	<-done
	<-done
	for range 10_000 {
		if g.Caught() == 2 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%d panics were counted in ten seconds, expected 2", g.Caught())
}
