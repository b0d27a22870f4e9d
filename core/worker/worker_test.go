package worker

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// on runs f on a worker thread with an identity and gives what the thread was told.
func on(p *Pool, as Identity, f func(t *Thread)) (refused error) {
	done := make(chan struct{})
	p.Submit(&Task{As: as, Run: func(t *Thread, err error) {
		defer close(done)
		refused = err
		if err == nil {
			f(t)
		}
	}})
	<-done
	return refused
}

func newPool(t *testing.T) *Pool {
	t.Helper()
	p := NewPool(slog.New(slog.DiscardHandler), newTokens())
	t.Cleanup(func() {
		p.Close()
		p.Wait()
	})
	return p
}

// status reads fields of /proc/PID/task/TID/status of the calling thread.
func status(t *testing.T) map[string]string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/status", unix.Gettid()))
	require.NoError(t, err)
	fields := map[string]string{}
	for _, line := range strings.Split(string(data), "\n") {
		if key, value, ok := strings.Cut(line, ":"); ok {
			fields[key] = strings.Join(strings.Fields(value), " ")
		}
	}
	return fields
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to take another identity")
	}
}

var task = Identity{UID: 12345, GID: 23456, Groups: []uint32{23456, 34567}}

func TestThreadHasTheRightsOfTheTaskOnly(t *testing.T) {
	needRoot(t)
	var seen map[string]string
	require.NoError(t, on(newPool(t), task, func(*Thread) { seen = status(t) }))
	assert.Equal(t, "0 0 0 12345", seen["Uid"], "only the file-system id changes")
	assert.Equal(t, "0 0 0 23456", seen["Gid"])
	assert.Equal(t, "23456 34567", seen["Groups"])
	only := fmt.Sprintf("%016x", kept)
	assert.Equal(t, only, seen["CapEff"])
	assert.Equal(t, only, seen["CapPrm"])

	here := status(t)
	assert.NotContains(t, here["Uid"], "12345", "the host's threads keep theirs")
	assert.NotEqual(t, only, here["CapEff"])
}

func TestFilesystemRefusesWhatItRefusesTheTask(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		require.NoError(t, os.Chmod(d, 0o755))
	}
	secret := filepath.Join(dir, "secret")
	require.NoError(t, os.WriteFile(secret, []byte("secret"), 0o600))
	for _, as := range []Identity{task, {UID: 0, GID: 0}} {
		require.NoError(t, os.Chown(secret, as.UID+1, as.GID+1))
		require.NoError(t, on(newPool(t), as, func(*Thread) {
			_, err := os.ReadFile(secret)
			assert.ErrorIs(t, err, unix.EACCES, "uid %d", as.UID)
			assert.ErrorIs(t, os.Chown(secret, 0, 0), unix.EPERM, "uid %d", as.UID)
			assert.ErrorIs(t, os.Chmod(secret, 0o777), unix.EPERM, "uid %d", as.UID)
		}))
	}
}

func TestAsHostAndBack(t *testing.T) {
	needRoot(t)
	require.NoError(t, on(newPool(t), task, func(th *Thread) {
		require.NoError(t, th.AsHost(func() error {
			assert.Equal(t, "0 0 0 0", status(t)["Uid"])
			return nil
		}))
		assert.Equal(t, "0 0 0 12345", status(t)["Uid"])
	}))
}

func TestHostStaysDumpable(t *testing.T) {
	needRoot(t)
	before, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	require.NoError(t, err)
	p := newPool(t)
	for _, as := range []Identity{task, {}, task} {
		require.NoError(t, on(p, as, func(*Thread) {}))
	}
	after, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	require.NoError(t, err)
	assert.Equal(t, before, after)
}

// TestHungFileSystemHoldsItsShareOnly blocks one device for good and expects the
// work of another to go on.
func TestHungFileSystemHoldsItsShareOnly(t *testing.T) {
	p := newPool(t)
	self, err := Self()
	require.NoError(t, err)
	hang := make(chan struct{})
	var started, hung sync.WaitGroup
	hung.Add(3 * PerDevice)
	started.Add(p.share)
	for i := range 3 * PerDevice {
		p.Submit(&Task{As: self, Device: 1, Run: func(*Thread, error) {
			if i < p.share {
				started.Done()
			}
			<-hang
			hung.Done()
		}})
	}
	started.Wait()
	var others sync.WaitGroup
	for device := range uint64(5) {
		others.Add(1)
		p.Submit(&Task{As: self, Device: 2 + device, Run: func(*Thread, error) { others.Done() }})
	}
	others.Wait()
	p.mu.Lock()
	assert.LessOrEqual(t, p.threads, Total)
	assert.Equal(t, p.share, p.devices[1].running)
	p.mu.Unlock()
	close(hang)
	hung.Wait()
}

func TestQueueKeepsTheOrderOfSubmission(t *testing.T) {
	var q queue
	tasks := make([]Task, 3)
	for range 2 {
		for i := range tasks {
			q.push(&tasks[i])
		}
		for i := range tasks {
			assert.Same(t, &tasks[i], q.take(1<<10, 0, false))
		}
		assert.Nil(t, q.head)
	}
	urgent := Task{Urgent: true}
	q.push(&tasks[0])
	q.push(&urgent)
	q.push(&tasks[1])
	assert.Same(t, &urgent, q.take(1<<10, 0, false))
	assert.Same(t, &tasks[0], q.take(1<<10, 0, false))
	assert.Same(t, &tasks[1], q.take(1<<10, 0, false))
	assert.Nil(t, q.head)
	assert.Nil(t, q.tail)
}

// One container's work never holds all threads of a file system, and a launch has one of its
// own whoever holds the others.
func TestOneOwnerLeavesThreadsToOthers(t *testing.T) {
	p := NewPool(slog.New(slog.DiscardHandler), newTokens())
	p.Start()
	self, err := Self()
	require.NoError(t, err)
	release := make(chan struct{})
	var held sync.WaitGroup
	hold := func(owner uint64, count int, urgent bool) {
		for range count {
			held.Add(1)
			p.Submit(&Task{As: self, Device: 1, Owner: owner, Urgent: urgent, Run: func(*Thread, error) {
				defer held.Done()
				<-release
			}})
		}
	}
	ran := func(owner uint64, urgent bool) {
		t.Helper()
		done := make(chan struct{})
		p.Submit(&Task{As: self, Device: 1, Owner: owner, Urgent: urgent, Run: func(*Thread, error) { close(done) }})
		select {
		case <-done:
		case <-time.After(time.Minute):
			t.Fatalf("owner %d, urgent %v: not run within a minute", owner, urgent)
		}
	}
	hold(1, 10, false)
	ran(2, false)
	hold(1, 10, true) // ends of its compressions
	ran(2, false)
	hold(2, 10, false)
	ran(3, true)
	ran(0, true)
	close(release)
	held.Wait()
	p.Close()
	p.Wait()
	assert.Empty(t, p.devices[1].owners)
}

func TestPanicEndsTheTaskOnly(t *testing.T) {
	p := newPool(t)
	self, err := Self()
	require.NoError(t, err)
	p.Submit(&Task{As: self, Run: func(*Thread, error) { panic("fault") }})
	require.NoError(t, on(p, self, func(*Thread) {}))
	for p.Panics() == 0 {
		require.NoError(t, on(p, self, func(*Thread) {}))
	}
	assert.Equal(t, int64(1), p.Panics())
}

func TestBackgroundYields(t *testing.T) {
	p := NewBackgroundPool(slog.New(slog.DiscardHandler))
	defer p.Close()
	self, err := Self()
	require.NoError(t, err)
	require.NoError(t, on(p, self, func(*Thread) {
		nice, err := unix.Getpriority(unix.PRIO_PROCESS, unix.Gettid())
		assert.NoError(t, err)
		assert.Equal(t, 1, nice, "getpriority(2) gives 20 - nice")
		class, _, _ := unix.Syscall(unix.SYS_IOPRIO_GET, 1, uintptr(unix.Gettid()), 0)
		assert.Equal(t, uintptr(3), class>>13, "the idle class")
	}))
}

func TestSubmitAllocatesNothing(t *testing.T) {
	p := newPool(t)
	self, err := Self()
	require.NoError(t, err)
	done := make(chan struct{}, 1)
	again := &Task{As: self, Run: func(*Thread, error) { done <- struct{}{} }}
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		p.Submit(again)
		<-done
	}))
}

func TestLookup(t *testing.T) {
	_, err := Lookup("no-such-user-here")
	require.ErrorContains(t, err, `"no-such-user-here"`)
	id, err := Lookup("nobody")
	require.NoError(t, err)
	data, err := os.ReadFile("/etc/passwd")
	require.NoError(t, err)
	assert.Contains(t, string(data), "nobody:x:"+strconv.Itoa(id.UID)+":"+strconv.Itoa(id.GID)+":")
}
