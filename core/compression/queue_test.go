package compression

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/guard"
	"sluice/core/worker"
	"sluice/tests/kit"
)

// occupy has compressions last until what is returned is called.
func occupy(q *Queue, self worker.Identity, files int) (release func()) {
	held := make(chan struct{})
	for range files {
		q.Submitter(1, self, func() {})(func(error) bool { <-held; return false })
	}
	return sync.OnceFunc(func() { close(held) })
}

func TestCompressionsBeyondWhatMayWaitHaveNormalPriority(t *testing.T) {
	self, err := worker.Self()
	require.NoError(t, err)
	log := slog.New(slog.DiscardHandler)
	q := NewQueue(log, guard.New(log))
	defer q.Close()
	release := occupy(q, self, idleFiles)
	defer release()
	done := make(chan struct{})
	q.Submitter(1, self, func() {})(func(error) bool { close(done); return false })
	<-done
	kit.Wait(t, "the others wait", func() bool { return q.waiting.Load() == idleFiles })
	release()
	kit.Wait(t, "the others wait", func() bool { return q.waiting.Load() == 0 && q.idles.Load() == 0 })
}

// TestACompressionIsSubmittedAgain: after a shortage without end, after a refusal a few
// times; then its stream is told.
func TestACompressionIsSubmittedAgain(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	q := NewQueue(log, guard.New(log))
	defer q.Close()
	self, err := worker.Self()
	require.NoError(t, err)
	done := make(chan struct{})
	var calls atomic.Int64
	q.Submitter(1, self, func() {})(func(refused error) bool {
		assert.NoError(t, refused)
		if calls.Add(1) < 5 {
			return true
		}
		close(done)
		return false
	})
	<-done
	kit.Wait(t, "nothing waits", func() bool { return q.waiting.Load() == 0 })

	refused := make(chan error, 1)
	stranger := worker.Identity{Groups: make([]uint32, 1<<17)} // more than the kernel takes
	q.Submitter(1, stranger, func() {})(func(err error) bool { refused <- err; return false })
	require.Error(t, <-refused)
	kit.Wait(t, "nothing waits", func() bool { return q.waiting.Load() == 0 })
}

// A bounded number of streams that have ended wait, and a seat that is given up is the
// next one's.
func TestSeatsAreBounded(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	q := NewQueue(log, guard.New(log))
	defer q.Close()
	q.SetSeats(1)
	first, second := q.NewSeat(log), q.NewSeat(log)
	assert.True(t, first.Admit())
	assert.True(t, first.Admit(), "it is the same stream")
	assert.False(t, second.Admit())
	assert.EqualValues(t, 1, q.Seated())
	first.Leave()
	first.Leave()
	assert.True(t, second.Admit())
	assert.EqualValues(t, 1, q.Seated())
}
