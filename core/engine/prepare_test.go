package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/guard"
	"sluice/core/sandbox"
	"sluice/core/worker"
	"sluice/tests/kit"
)

// waitLimit is how long a test waits for what must come, on a machine that has much else
// to do.
const waitLimit = kit.Limit

// eventually waits for a condition and tells what did not come about.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	kit.Wait(t, what, condition)
}

// panicking is a sink with a fault in it.
type panicking struct{ *discarded }

func (panicking) open(*worker.Thread, bool) error { panic("injected") }

// TestAFaultWhileFilesAreOpenedIsAnError: who waits for them, a launch or the start of
// the agent, hears of it.
func TestAFaultWhileFilesAreOpenedIsAnError(t *testing.T) {
	b := newTestbed(t)
	e := b.open()
	defer e.Close()
	dir, err := sandbox.Open(b.sandbox("c"))
	require.NoError(t, err)
	defer dir.Close()
	opened := make(chan error, 1)
	go func() {
		opened <- e.open(panicking{&discarded{box: &sharedSandbox{Dir: dir}, identity: e.reactor.Self, log: b.logger()}})
	}()
	select {
	case err := <-opened:
		var fault *guard.FaultError
		require.ErrorAs(t, err, &fault)
		assert.Equal(t, int64(1), e.Metrics().Panics)
	case <-time.After(waitLimit):
		t.Fatal("a fault while files are opened: who waits for them waits for ever")
	}
}

// lowestFree is the number that the next descriptor gets; all below are in use.
func lowestFree(t *testing.T) int {
	t.Helper()
	fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
	require.NoError(t, err)
	require.NoError(t, unix.Close(fd))
	return fd
}

// withRoom calls f while the process may open no more than room descriptors. It fills
// what is free below those in use before.
func withRoom(t *testing.T, room int, f func()) {
	t.Helper()
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	top := 0
	links, err := filepath.Glob("/proc/self/fd/*")
	require.NoError(t, err)
	for _, link := range links {
		var n int
		_, err := fmt.Sscanf(filepath.Base(link), "%d", &n)
		require.NoError(t, err)
		top = max(top, n)
	}
	var fill []int
	defer func() { closeAll(fill) }()
	for lowestFree(t) <= top {
		fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
		require.NoError(t, err)
		fill = append(fill, fd)
	}
	few := limit
	few.Cur = uint64(lowestFree(t) + room)
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &few))
	defer func() { require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)) }()
	f()
}

// TestALaunchWithFewDescriptorsLeavesNothing launches with room for none, for one, and
// so on, until there is room for all: each failure says what is short, and leaves neither
// descriptors nor anything in the state directory.
func TestALaunchWithFewDescriptorsLeavesNothing(t *testing.T) {
	b := newTestbed(t, "prepare_timeout", "60ms")
	e := b.open()
	defer e.Close()
	warm, other := b.prepareSoon(e, "warm") // threads make their own descriptors at their start
	require.NoError(t, warm.Close())
	require.NoError(t, other.Close())
	waitEnded(e)
	failures, launched := 0, false
	for room := 0; !launched; room++ {
		id := fmt.Sprintf("c%d", room)
		box := b.sandbox(id)
		var err error
		var d Descriptors
		withRoom(t, room, func() { d, err = e.Prepare(Launch{ContainerID: id, Sandbox: box}) })
		if launched = err == nil; launched {
			d.close()
			waitEnded(e)
			break
		}
		failures++
		if !errors.Is(err, ErrTimeout) { // as on a busy machine
			assert.ErrorIs(t, err, unix.EMFILE, "with room for %d", room)
		}
		eventually(t, fmt.Sprintf("with room for %d: %v: nothing is left in the state directory", room, err),
			func() bool { return len(b.stateNames()) == 0 })
		eventually(t, fmt.Sprintf("with room for %d: %v: no descriptor is left", room, err),
			func() bool { return b.into("") == 0 && fifos(t) == 0 })
		require.Less(t, room, 100)
	}
	assert.Greater(t, failures, 5)
}

// prepareSoon is prepare under a short prepare_timeout.
func (b *testbed) prepareSoon(e *Engine, id string) (stdout, stderr *os.File) {
	b.t.Helper()
	for range 100 {
		d, err := e.Prepare(Launch{ContainerID: id, Sandbox: b.sandbox(id)})
		if err == nil {
			return os.NewFile(uintptr(d.Stdout), "stdout"), os.NewFile(uintptr(d.Stderr), "stderr")
		}
		require.ErrorIs(b.t, err, ErrTimeout)
	}
	b.t.Fatal("no launch within prepare_timeout, in a hundred")
	return nil, nil
}

// TestALaunchWaitsForDescriptors: a shortage that passes within prepare_timeout costs a
// launch nothing but time.
func TestALaunchWaitsForDescriptors(t *testing.T) {
	b := newTestbed(t)
	e := b.open()
	defer e.Close()
	launched := make(chan error, 1)
	var d Descriptors
	box := b.sandbox("c")
	withRoom(t, 1, func() {
		go func() {
			var err error
			d, err = e.Prepare(Launch{ContainerID: "c", Sandbox: box})
			launched <- err
		}()
		select {
		case err := <-launched:
			t.Errorf("it did not wait: %v", err)
		case <-time.After(200 * time.Millisecond):
		}
	})
	require.NoError(t, <-launched)
	d.close()
	waitEnded(e)
}

// refusing is a sink whose end for the container cannot be opened.
type refusing struct {
	sink
	fault bool
}

func (r refusing) openForContainer(*Engine) (int, error) {
	if r.fault {
		panic("injected")
	}
	return -1, unix.ENOMEM
}

// TestAHandOverThatFailsIsUndone: the last step of a launch, by an error or a fault.
func TestAHandOverThatFailsIsUndone(t *testing.T) {
	for _, fault := range []bool{false, true} {
		b := newTestbed(t)
		e := b.open()
		for i := range 3 {
			launch := Launch{ContainerID: fmt.Sprintf("c%d", i), Sandbox: b.sandbox(fmt.Sprintf("c%d", i))}
			err := e.guard.Run("launch", func() error {
				dir, err := sandbox.Open(launch.Sandbox)
				require.NoError(t, err)
				box := &sharedSandbox{Dir: dir}
				box.users.Add(1)
				defer box.release()
				var unserved []sink
				defer func() { e.abandon(unserved) }()
				container, _, err := e.settings.ForTask(nil, "", launch.Sandbox)
				require.NoError(t, err)
				require.NoError(t, e.begin(&unserved, launch, box, e.reactor.Self, container))
				require.NoError(t, e.open(unserved...))
				unserved[1] = refusing{unserved[1], fault}
				_, err = e.handOver(&unserved)
				return err
			})
			require.Error(t, err)
		}
		assert.Zero(t, b.into(""), "descriptors into sandboxes")
		assert.Zero(t, fifos(t), "open pipes of containers")
		assert.Empty(t, b.stateNames())
		assert.Zero(t, e.Metrics().Streams)
		e.Close()
	}
}

// TestAcceptingWithoutDescriptorsDoesNotSpin: who connects while there is no descriptor
// waits, and is answered when there is one.
func TestAcceptingWithoutDescriptorsDoesNotSpin(t *testing.T) {
	b := newTestbed(t)
	e := b.open()
	defer e.Close()
	client, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	defer unix.Close(client)
	address := &unix.SockaddrUnix{Name: filepath.Join(b.state, "owner.socket")}
	var wakeups int64
	withRoom(t, 0, func() {
		require.NoError(t, unix.Connect(client, address))
		before := e.reactor.Loop.Wakeups()
		time.Sleep(500 * time.Millisecond)
		wakeups = e.reactor.Loop.Wakeups() - before
	})
	assert.Less(t, wakeups, int64(20), "in half a second")
	_, err = unix.Write(client, []byte(`{"version":1,"ask":"status"}`+"\n"))
	require.NoError(t, err)
	n, err := unix.Read(client, make([]byte, 1000))
	require.NoError(t, err)
	assert.Positive(t, n, "the connection is accepted and the question answered")
}

// fifos counts the open FIFOs, whose names end so, also when they are removed.
func fifos(t *testing.T) (count int) {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	require.NoError(t, err)
	for _, link := range links {
		if path, err := os.Readlink(link); err == nil && strings.HasSuffix(strings.TrimSuffix(path, " (deleted)"), ".fifo") {
			count++
		}
	}
	return count
}
