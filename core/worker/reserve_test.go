package worker

import (
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/guard"
)

func threads(t *testing.T) []string {
	entries, err := os.ReadDir("/proc/self/task")
	require.NoError(t, err)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

// again runs a test of this package alone in a process of its own, whose threads are
// nobody else's.
func again(t *testing.T) (alone bool) {
	t.Helper()
	if os.Getenv("SLUICE_ALONE") == t.Name() {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "SLUICE_ALONE="+t.Name())
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return false
}

// load has every thread that the pools may have, and others, blocked in the kernel at
// once, while Go code runs, collects garbage and starts goroutines. It gives the threads
// that there are then.
func load(t *testing.T, others int) []string {
	self, err := Self()
	require.NoError(t, err)
	log := slog.New(slog.DiscardHandler)
	pools := []*Pool{NewPool(log, newTokens()), NewBackgroundPool(log), NewOvertimePool(log), NewCommandPool(log)}
	var blocked, released sync.WaitGroup
	var ends [2]int
	require.NoError(t, unix.Pipe2(ends[:], unix.O_CLOEXEC))
	hang := func() {
		blocked.Done()
		var one [1]byte
		_, _ = unix.Read(ends[0], one[:]) // a blocking read, for the kernel and the runtime
		released.Done()
	}
	for _, p := range pools {
		for device := range uint64(p.most / p.share) {
			for range p.share {
				blocked.Add(1)
				released.Add(1)
				p.Submit(&Task{As: self, Device: device, Run: func(*Thread, error) { hang() }})
			}
		}
	}
	for range others {
		blocked.Add(1)
		released.Add(1)
		go hang()
	}
	blocked.Wait()
	for range 20 {
		runtime.GC()
		var all sync.WaitGroup
		for range 1000 {
			all.Go(func() { time.Sleep(time.Millisecond) })
		}
		all.Wait()
	}
	then := threads(t)
	require.NoError(t, unix.Close(ends[1]))
	released.Wait()
	for _, p := range pools {
		p.Close()
	}
	return then
}

// mostThreads of all pools together, of one user.
const mostThreads = Total + 2*BackgroundTotal + CommandTotal

// TestNoThreadIsStartedOnceThereIsAReserve does everything that would need one.
func TestNoThreadIsStartedOnceThereIsAReserve(t *testing.T) {
	if !again(t) {
		return
	}
	const others = 30
	_, err := Reserve(mostThreads+others, guard.New(slog.New(slog.DiscardHandler)), time.Minute)
	require.NoError(t, err)
	before := threads(t)
	for _, thread := range load(t, others) {
		assert.True(t, slices.Contains(before, thread), "thread %s is new", thread)
	}
}

// TestReservesAddUp has two users, one of which leaves twice.
func TestReservesAddUp(t *testing.T) {
	if !again(t) {
		return
	}
	g := guard.New(slog.New(slog.DiscardHandler))
	first, err := Reserve(50, g, time.Minute)
	require.NoError(t, err)
	_, err = Reserve(50, g, time.Minute)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, len(threads(t)), 100)
	first()
	first()
	reserved.mu.Lock()
	assert.Equal(t, 50, reserved.threads)
	reserved.mu.Unlock()
}

// TestThreadsAreKept lets a pool come to rest after a burst.
func TestThreadsAreKept(t *testing.T) {
	p := newPool(t)
	self, err := Self()
	require.NoError(t, err)
	hang := make(chan struct{})
	var started, ended sync.WaitGroup
	for device := range uint64(4) {
		started.Add(1)
		ended.Add(1)
		p.Submit(&Task{As: self, Device: device, Run: func(*Thread, error) { started.Done(); <-hang; ended.Done() }})
	}
	started.Wait()
	close(hang)
	ended.Wait()
	p.mu.Lock()
	had := p.threads
	p.mu.Unlock()
	require.GreaterOrEqual(t, had, 4)
	for range 1000 {
		require.NoError(t, on(p, self, func(*Thread) {}))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	assert.GreaterOrEqual(t, p.threads, had)
}

// TestTheFirstThreadIsNobodys looks for the leader of the process among the threads of
// pools that come and go.
func TestTheFirstThreadIsNobodys(t *testing.T) {
	self, err := Self()
	require.NoError(t, err)
	for range 200 {
		p := NewPool(slog.New(slog.DiscardHandler), newTokens())
		var tid int
		require.NoError(t, on(p, self, func(*Thread) { tid = unix.Gettid() }))
		p.Close()
		p.Wait()
		require.NotEqual(t, os.Getpid(), tid)
	}
}

// TestHostMayChangeItsMindOnCoreDumps changes the flag while identities change.
func TestHostMayChangeItsMindOnCoreDumps(t *testing.T) {
	needRoot(t)
	if !again(t) {
		return
	}
	p := newPool(t)
	read := func() int {
		value, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
		require.NoError(t, err)
		return value
	}
	for _, wished := range []int{0, 1, 0, 1} {
		require.NoError(t, unix.Prctl(unix.PR_SET_DUMPABLE, uintptr(wished), 0, 0, 0))
		for _, as := range []Identity{task, {}, task} {
			require.NoError(t, on(p, as, func(*Thread) {}))
			require.Equal(t, wished, read())
		}
	}
	// Many threads have windows about each other.
	for range 50 {
		many := NewPool(slog.New(slog.DiscardHandler), newTokens())
		var all sync.WaitGroup
		for device := range uint64(8) {
			for _, as := range []Identity{task, {}, task, {}} {
				all.Add(1)
				many.Submit(&Task{As: as, Device: device, Run: func(*Thread, error) { all.Done() }})
			}
		}
		all.Wait()
		many.Close()
		many.Wait()
		require.Equal(t, 1, read())
	}
}
