package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/worker"
)

// faulty makes visits of stdout panic while faults are left.
func faulty(e *Engine) *atomic.Int64 {
	faults := &atomic.Int64{}
	before := func(serviced *entry) {
		if serviced.Stream.Name == stdoutName && faults.Load() > 0 {
			faults.Add(-1)
			panic("injected")
		}
	}
	e.hooks.before.Store(&before)
	return faults
}

func TestFaultRebuildsTheStream(t *testing.T) {
	b := newTestbed(t, "max_stdout_size", "16KB", "logrotate_stdout_options", "rotate 1000")
	e := b.open()
	defer e.Close()
	faults := faulty(e)
	stdout, stderr := b.prepare(e, "f")
	require.NoError(t, stderr.Close())
	want := numbered(5000, 100)
	half := len(want)/2 + 33
	_, err := stdout.Write(want[:half])
	require.NoError(t, err)
	waitFor(func() bool { return e.Metrics().WrittenBytes == int64(half) })

	faults.Store(1)
	_, err = stdout.Write(want[half:])
	require.NoError(t, err)
	require.NoError(t, stdout.Close())
	waitEnded(e)
	sameBytes(t, want, b.series("f", "stdout", 16<<10))
	m := e.Metrics()
	assert.Equal(t, int64(1), m.Panics)
	assert.Equal(t, int64(len(want)), m.WrittenBytes, "the account is rebuilt too")
	assert.Equal(t, int64(5000), m.WrittenLines)
	assert.Zero(t, m.DroppedBytes)
	assert.Contains(t, b.log.String(), "rebuilt from its record")
	assert.Contains(t, b.log.String(), "fault_test.go", "with the stack")
}

func TestSecondFaultDropsAndCounts(t *testing.T) {
	b := newTestbed(t)
	e := b.open()
	defer e.Close()
	faults := faulty(e)
	faults.Store(2)
	stdout, stderr := b.prepare(e, "f")
	require.NoError(t, stderr.Close())
	want := numbered(5000, 100)
	_, err := stdout.Write(want)
	require.NoError(t, err)
	waitFor(func() bool { return e.Metrics().DroppedBytes == int64(len(want)) })
	require.NoError(t, stdout.Close())
	waitEnded(e)
	m := e.Metrics()
	assert.Equal(t, int64(2), m.Panics)
	assert.Equal(t, int64(5000), m.DroppedLines)
	assert.Equal(t, m.InBytes(), m.WrittenBytes+m.DroppedBytes)
	assert.Equal(t, int64(5000), m.InLines())
	assert.Empty(t, b.stateNames())
}

// TestLaunchWaitsNoLongerThanAsked occupies every thread that the file system of the
// sandbox may have.
func TestLaunchWaitsNoLongerThanAsked(t *testing.T) {
	b := newTestbed(t, "prepare_timeout", "100ms")
	e := b.open()
	defer e.Close()
	var st unix.Stat_t
	require.NoError(t, unix.Stat(b.sandbox("hung"), &st))
	self, err := worker.Self()
	require.NoError(t, err)
	hang, hangs := make(chan struct{}), make(chan struct{}, worker.PerDevice+2+worker.Lent)
	release := sync.OnceFunc(func() { close(hang) })
	defer release() // also where an assertion fails: Close waits for the threads
	hold := func(owner uint64, urgent bool) {
		e.reactor.Workers.Submit(&worker.Task{As: self, Device: st.Dev, Owner: owner, Urgent: urgent, Run: func(*worker.Thread, error) {
			hangs <- struct{}{}
			<-hang
		}})
	}
	// Those that streams share, the one that is for who has none of them, and those that are
	// lent; then the one for urgent work, which would take one of the others' as long as there are any: a launch
	// would go before what only waits.
	others := min(worker.PerDevice, runtime.NumCPU()) + 1 + worker.Lent
	for owner := range uint64(others) {
		hold(owner+1, false)
	}
	for range others {
		<-hangs
	}
	hold(uint64(others)+1, true)
	<-hangs
	_, err = e.Prepare(Launch{ContainerID: "hung", Sandbox: b.sandbox("hung")})
	require.ErrorIs(t, err, ErrTimeout)
	assert.ErrorContains(t, err, "waited for 100ms (prepare_timeout)")

	release()
	waitFor(func() bool { return len(b.stateNames()) == 0 })
	waitEnded(e)
	assert.NotContains(t, b.log.String(), "ERROR")
}
