package schedule

import (
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/stream"
	"sluice/core/worker"
	"sluice/tests/kit"
)

// fake is a stream whose services answer what a test says.
type fake struct {
	pipe                       int
	answer                     func(call int64) stream.Next
	calls, serviced, rebuilt   atomic.Int64
	over, givenUp, ended, more atomic.Bool
}

func (f *fake) Service(*worker.Thread, error, time.Time, time.Duration) stream.Next {
	return f.answer(f.calls.Add(1))
}
func (f *fake) Serviced()              { f.serviced.Add(1) }
func (f *fake) Ended()                 { f.ended.Store(true) }
func (f *fake) Rebuild(*worker.Thread) { f.rebuilt.Add(1) }
func (f *fake) CountOn() bool          { return f.more.Swap(false) }
func (f *fake) Over() bool             { return f.over.Load() }
func (f *fake) GiveUp()                { f.givenUp.Store(true) }
func (f *fake) PipeFD() int            { return f.pipe }
func (f *fake) Log() *slog.Logger      { return slog.New(slog.DiscardHandler) }

// running serves loops with real threads until the test ends.
func running(t *testing.T) *Loop {
	l, err := New(100 * time.Millisecond)
	require.NoError(t, err)
	log := slog.New(slog.DiscardHandler)
	pool, commands := worker.NewPool(log, l), worker.NewCommandPool(log)
	l.Serve(pool, commands)
	pool.Start()
	t.Cleanup(func() {
		l.Close()
		pool.Close()
		commands.Close()
		pool.Wait()
		commands.Wait()
		l.Release()
	})
	return l
}

// add has a fake serviced that has a pipe of its own; it gives the end that writes.
func add(t *testing.T, l *Loop, f *fake) (*Member, *os.File) {
	self, err := worker.Self()
	require.NoError(t, err)
	var ends [2]int
	require.NoError(t, unix.Pipe2(ends[:], unix.O_CLOEXEC|unix.O_NONBLOCK))
	f.pipe = ends[0]
	writer := os.NewFile(uintptr(ends[1]), "writer")
	t.Cleanup(func() {
		_ = unix.Close(ends[0])
		_ = writer.Close()
	})
	m := NewMember(f, self, 1, 1, 2)
	l.Add(m)
	return m, writer
}

func TestSilentStreamIsArmedAndHearsOfBytes(t *testing.T) {
	l := running(t)
	f := &fake{answer: func(int64) stream.Next { return stream.Next{Idle: true} }}
	_, writer := add(t, l, f)
	kit.Wait(t, "it is armed", func() bool { return l.Count(Armed) == 1 })
	assert.EqualValues(t, idleProbes+1, f.calls.Load(), "looks before it counts as idle")

	time.Sleep(20 * time.Millisecond)
	assert.EqualValues(t, idleProbes+1, f.calls.Load(), "nothing comes, so nothing runs")
	_, err := writer.Write([]byte("x"))
	require.NoError(t, err)
	kit.Wait(t, "the bytes are told of", func() bool { return f.calls.Load() > idleProbes+1 })
	kit.Wait(t, "each service is told of", func() bool { return f.calls.Load() == f.serviced.Load() })
}

// Whoever nudges is heard whatever place the member is in: also while it is serviced, and
// then finds nothing.
func TestNudgeIsHeardInEveryPlace(t *testing.T) {
	l := running(t)
	during := make(chan struct{})
	var m *Member
	f := &fake{}
	f.answer = func(call int64) stream.Next {
		if call == idleProbes+2 { // the one that the first nudge asks for
			l.Nudge(m)
			close(during)
		}
		return stream.Next{Idle: true}
	}
	made := make(chan struct{})
	inner := f.answer
	f.answer = func(call int64) stream.Next { <-made; return inner(call) }
	m, _ = add(t, l, f)
	close(made)
	kit.Wait(t, "it is armed", func() bool { return l.Count(Armed) == 1 })
	l.Nudge(m)
	<-during
	kit.Wait(t, "the nudge during the service is heard", func() bool { return f.calls.Load() >= idleProbes+3 })
	kit.Wait(t, "it is armed again", func() bool { return l.Count(Armed) == 1 })
}

// The last compression may be done between the service that finds it under way and the
// parking.
func TestUnparkBeforeParkingIsHeard(t *testing.T) {
	l := running(t)
	var m atomic.Pointer[Member]
	f := &fake{}
	f.answer = func(call int64) stream.Next {
		switch {
		case m.Load() == nil:
			return stream.Next{After: time.Millisecond, Backoff: true}
		case f.over.Swap(true):
			return stream.Next{Ended: true}
		}
		l.Unpark(m.Load())
		return stream.Next{Parked: true}
	}
	member, _ := add(t, l, f)
	m.Store(member)
	kit.Wait(t, "it has ended", f.ended.Load)
	assert.Zero(t, l.Count(Parked)+l.Count(Armed)+l.Count(Waiting)+l.Count(InHand))
}

func TestParkedStreamRestsUntilItIsUnparked(t *testing.T) {
	l := running(t)
	f := &fake{}
	f.answer = func(int64) stream.Next { return stream.Next{Parked: !f.over.Load(), Ended: f.over.Load()} }
	m, writer := add(t, l, f)
	kit.Wait(t, "it is parked", func() bool { return l.Count(Parked) == 1 })
	calls := f.calls.Load()
	_, err := writer.Write([]byte("x"))
	require.NoError(t, err)
	time.Sleep(20 * time.Millisecond)
	assert.Equal(t, calls, f.calls.Load(), "the pipe is not looked at")
	f.over.Store(true)
	l.Unpark(m)
	kit.Wait(t, "it has ended", f.ended.Load)
}

func TestPanicsRebuildOnceAndThenGiveUp(t *testing.T) {
	l := running(t)
	f := &fake{answer: func(call int64) stream.Next {
		if call <= 2 {
			panic("injected")
		}
		return stream.Next{Idle: true}
	}}
	add(t, l, f)
	kit.Wait(t, "it is serviced again", func() bool { return f.calls.Load() > 2 })
	assert.EqualValues(t, 1, f.rebuilt.Load())
	assert.True(t, f.givenUp.Load())
	assert.EqualValues(t, 2, l.Panics())
	assert.False(t, f.ended.Load())
}

// What the container has left behind is the next owner's where its stream fails again and
// again: it must not stay for ever.
func TestPanicsAfterTheEndLeaveTheStream(t *testing.T) {
	l := running(t)
	f := &fake{answer: func(int64) stream.Next { panic("injected") }}
	f.over.Store(true)
	add(t, l, f)
	kit.Wait(t, "it is left", f.ended.Load)
	assert.False(t, f.givenUp.Load())
}

func TestLinesAreCountedBeforeTheStreamRests(t *testing.T) {
	l := running(t)
	f := &fake{answer: func(int64) stream.Next { return stream.Next{Idle: true} }}
	f.more.Store(true)
	add(t, l, f)
	kit.Wait(t, "it is armed", func() bool { return l.Count(Armed) == 1 })
	assert.False(t, f.more.Load())
}

// A stream whose next service may run commands is serviced by the threads for these.
func TestCommandsRunOnTheirOwnThreads(t *testing.T) {
	l := running(t)
	var where atomic.Int64
	f := &fake{}
	s := &onThread{fake: f, where: &where}
	self, err := worker.Self()
	require.NoError(t, err)
	l.Add(NewMember(s, self, 1, 1, 2))
	kit.Wait(t, "it runs commands", func() bool { return where.Load() == 1 })
	kit.Wait(t, "it has ended", f.ended.Load)
}

// onThread asks for a thread with commands, and ends there.
type onThread struct {
	*fake
	where *atomic.Int64
}

func (o *onThread) Service(t *worker.Thread, _ error, _ time.Time, _ time.Duration) stream.Next {
	if !t.Commands() {
		return stream.Next{Commands: true}
	}
	o.where.Store(1)
	return stream.Next{Ended: true}
}
