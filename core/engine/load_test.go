package engine

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/settings"
)

// TestMain lets the test binary be a container that writes short lines, one write(2)
// each.
func TestMain(m *testing.M) {
	if lines, err := strconv.Atoi(os.Getenv("SLUICE_TEST_LINES")); err == nil {
		line := []byte(strings.Repeat("x", 99) + "\n")
		for range lines {
			if _, err := unix.Write(1, line); err != nil {
				os.Exit(1)
			}
		}
		os.Exit(0)
	}
	startPatience = time.Hour // where a test looks at what a start has recovered
	os.Exit(m.Run())
}

// startLines starts a container that writes lines of 100 bytes.
func startLines(t *testing.T, lines int, stdout *os.File) *exec.Cmd {
	t.Helper()
	writer := exec.Command(os.Args[0])
	writer.Env = append(os.Environ(), "SLUICE_TEST_LINES="+strconv.Itoa(lines))
	writer.Stdout = stdout
	require.NoError(t, writer.Start())
	require.NoError(t, stdout.Close())
	return writer
}

// switches counts how often the threads of this process were put on a processor.
func switches(t *testing.T) (count int) {
	t.Helper()
	paths, err := filepath.Glob("/proc/self/task/*/status")
	require.NoError(t, err)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended
		}
		for _, line := range strings.Split(string(data), "\n") {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.HasSuffix(key, "voluntary_ctxt_switches") {
				n, err := strconv.Atoi(strings.TrimSpace(value))
				require.NoError(t, err)
				count += n
			}
		}
	}
	return count
}

// TestShortLinesDoNotWakeTheLogger guards the batching: through a poller that is told
// of every write there would be a switch for every few lines.
func TestShortLinesDoNotWakeTheLogger(t *testing.T) {
	const lines = 1_000_000
	b := newTestbed(t, "max_stdout_size", "1GB")
	e := b.open()
	defer e.Close()
	stdout, stderr := b.prepare(e, "chatty")
	require.NoError(t, stderr.Close())
	before := switches(t)
	writer := startLines(t, lines, stdout)
	require.NoError(t, writer.Wait())
	waitEnded(e)
	cost := switches(t) - before
	m := e.Metrics()
	t.Logf("%d lines: %d switches, %d looks, %d wake-ups", lines, cost, m.Visits, m.Wakeups)
	assert.Equal(t, int64(100*lines), m.WrittenBytes)
	assert.Less(t, cost, lines/8)
}

// TestIdleStreamsCostNothing waits until nothing happens any more: it fails by never
// ending.
func TestIdleStreamsCostNothing(t *testing.T) {
	b := newTestbed(t)
	e := b.open()
	defer e.Close()
	for i := range 50 {
		stdout, stderr := b.prepare(e, fmt.Sprint(i))
		defer stdout.Close()
		defer stderr.Close()
		_, err := stdout.WriteString("hello\n")
		require.NoError(t, err)
	}
	waitFor(func() bool { return e.Metrics().WrittenBytes == 50*6 })
	waitFor(func() bool {
		before := e.Metrics()
		time.Sleep(300 * time.Millisecond)
		after := e.Metrics()
		return before.Visits == after.Visits && before.Wakeups == after.Wakeups
	})
}

// TestBatchesAllocateNothing stays below the size that rotates: a rotation may allocate.
func TestBatchesAllocateNothing(t *testing.T) {
	b := newTestbed(t, "max_stdout_size", "1GB")
	e := b.open()
	defer e.Close()
	stdout, stderr := b.prepare(e, "batches")
	require.NoError(t, stderr.Close())
	fd := int(stdout.Fd())
	batch := bytes.Repeat([]byte("a line of a container\n"), 3000)
	write := func(times int) {
		for range times {
			_, err := unix.Write(fd, batch)
			require.NoError(t, err)
		}
		waitFor(func() bool { return e.Metrics().WrittenBytes%int64(len(batch)) == 0 })
	}
	write(100)
	visits := e.Metrics().Visits
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 14_000 {
		_, _ = unix.Write(fd, batch)
	}
	require.Zero(t, e.Metrics().Rotations)
	runtime.ReadMemStats(&after)
	visits = e.Metrics().Visits - visits
	allocations := after.Mallocs - before.Mallocs
	t.Logf("%d allocations in %d looks", allocations, visits)
	assert.Less(t, float64(allocations), float64(visits)/10+100)
	require.NoError(t, stdout.Close())
	waitEnded(e)
}

// TestFloodStarvesNobody expects every line of a quiet container in its file while
// others write as fast as they can.
func TestFloodStarvesNobody(t *testing.T) {
	b := newTestbed(t, "max_stdout_size", "8MB", "logrotate_stdout_options", "rotate 1")
	e := b.open()
	defer e.Close()
	var stop atomic.Bool
	done := make(chan struct{}, 3)
	chunk := bytes.Repeat([]byte("flood flood flood flood flood flood flood flood flood flood flo\n"), 1024)
	for i := range 3 {
		stdout, stderr := b.prepare(e, fmt.Sprintf("flood-%d", i))
		require.NoError(t, stderr.Close())
		go func() {
			for !stop.Load() {
				_, _ = stdout.Write(chunk)
			}
			_ = stdout.Close()
			done <- struct{}{}
		}()
	}
	stdout, stderr := b.prepare(e, "quiet")
	require.NoError(t, stderr.Close())
	live := filepath.Join(b.sandbox("quiet"), "stdout")
	for i := 1; i <= 100; i++ {
		_, err := stdout.WriteString("one line\n")
		require.NoError(t, err)
		waitFor(func() bool {
			info, err := os.Stat(live)
			return err == nil && info.Size() == int64(9*i)
		})
	}
	stop.Store(true)
	for range 3 {
		<-done
	}
	require.NoError(t, stdout.Close())
	waitEnded(e)
}

func TestRateHoldsBackAndLosesNothing(t *testing.T) {
	b := newTestbed(t, "max_stdout_rate", "200KB")
	e := b.open()
	defer e.Close()
	want := numbered(2000, 100) // 200 kB, a tenth of which may pass at once
	began := time.Now()
	stdout, stderr := b.prepare(e, "rate", settings.Variable{Name: "CONTAINER_LOGGER_MAX_STDOUT_RATE", Value: "100KB"})
	require.NoError(t, stderr.Close())
	_, err := stdout.Write(want)
	require.NoError(t, err)
	require.NoError(t, stdout.Close())
	waitEnded(e)
	sameBytes(t, want, b.series("rate", "stdout", 10<<20))
	assert.Greater(t, time.Since(began), 1700*time.Millisecond, "the task lowered the operator's rate")

	_, err = e.Prepare(Launch{ContainerID: "up", Sandbox: b.sandbox("up"), Environment: []settings.Variable{
		{Name: "CONTAINER_LOGGER_MAX_STDOUT_RATE", Value: "300KB"},
	}})
	assert.ErrorContains(t, err, "CONTAINER_LOGGER_MAX_STDOUT_RATE", "a task cannot raise it")
}
