package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/compression"
	"sluice/core/sandbox"
	"sluice/core/schedule"
	"sluice/core/worker"
)

// manyCompressions take all threads for them, those of normal priority too.
const manyCompressions = 24

// occupy has compressions of a file system last until what is returned is called.
func occupy(q *compression.Queue, device uint64, self worker.Identity, files int) (release func()) {
	held := make(chan struct{})
	for range files {
		q.Submitter(device, self, func() {})(func(error) bool { <-held; return false })
	}
	return sync.OnceFunc(func() { close(held) })
}

// TestEndedStreamsThatMayNotWaitStayPlain lets one stream wait for its compressions and
// not the next, whose files then are all there, plain, with nothing beside them.
func TestEndedStreamsThatMayNotWaitStayPlain(t *testing.T) {
	b := newTestbed(t, "max_stdout_size", "16KB", "logrotate_stdout_options", "rotate 100\ncompress")
	e := b.open()
	defer e.Close()
	e.reactor.Compressions.SetSeats(1)
	defer occupy(e.reactor.Compressions, sandboxDevice(t, b), e.reactor.Self, manyCompressions)()
	want := sevenDigits(10000)
	for _, id := range []string{"first", "second"} {
		stdout, stderr := b.prepare(e, id)
		require.NoError(t, stderr.Close())
		write(t, stdout, want)
		require.NoError(t, stdout.Close())
		waitFor(func() bool { return e.reactor.Compressions.Seated() == 1 && e.Metrics().Streams == 1 })
	}
	assert.Equal(t, want, b.series("second", "stdout", 16<<10))
	hidden, err := filepath.Glob(filepath.Join(b.sandbox("second"), ".*"))
	require.NoError(t, err)
	assert.Empty(t, hidden)
	assert.Contains(t, b.log.String(), "stay uncompressed")
	assert.FileExists(t, filepath.Join(b.sandbox("first"), "stdout.4"), "it waits")
}

func sandboxDevice(t *testing.T, b *testbed) uint64 {
	t.Helper()
	dir, err := sandbox.Open(b.boxes)
	require.NoError(t, err)
	defer dir.Close()
	return dir.Device()
}

// TestEndedStreamsAreNotPolled: streams that wait for a compression cost nothing while
// they wait, and end when it is done.
func TestEndedStreamsAreNotPolled(t *testing.T) {
	const streams = 30
	b := newTestbed(t, "max_stdout_size", "16KB", "logrotate_stdout_options", "rotate 100\ncompress", "stderr", "discard")
	e := b.open()
	defer e.Close()
	release := occupy(e.reactor.Compressions, sandboxDevice(t, b), e.reactor.Self, manyCompressions)
	defer release()
	for i := range streams {
		stdout, stderr := b.prepare(e, fmt.Sprintf("c%d", i))
		require.NoError(t, stderr.Close())
		write(t, stdout, sevenDigits(5000))
		require.NoError(t, stdout.Close())
	}
	eventually(t, "every stream is parked", func() bool { return e.reactor.Loop.Count(schedule.Parked) == streams })
	// A kill now must not make the next owner believe that their ends are missing.
	ids, err := e.state.Streams()
	require.NoError(t, err)
	require.Len(t, ids, streams)
	for _, id := range ids {
		record, err := e.state.Load(id)
		require.NoError(t, err)
		require.True(t, record.GetComplete())
	}
	visits := e.Metrics().Visits
	time.Sleep(500 * time.Millisecond) // ten looks each, if they were polled
	assert.Equal(t, visits, e.Metrics().Visits)

	release()
	eventually(t, "every stream has ended", func() bool { return e.Metrics().Streams == 0 })
	assert.Empty(t, b.stateNames())
	assert.FileExists(t, filepath.Join(b.sandbox("c0"), "stdout.1.gz"))
}

// TestAnEndBeforeTheStreamIsParked: a compression may be done between the visit that
// finds it under way and the parking.
func TestAnEndBeforeTheStreamIsParked(t *testing.T) {
	b := newTestbed(t, "max_stdout_size", "16KB", "logrotate_stdout_options", "rotate 100\ncompress", "stderr", "discard")
	e := b.open()
	defer e.Close()
	release := occupy(e.reactor.Compressions, sandboxDevice(t, b), e.reactor.Self, manyCompressions)
	defer release()
	after := func(serviced *entry) {
		if serviced.Seat.Taken() { // it has found the compression under way
			release()
			eventually(t, "the compression is done", func() bool { return e.reactor.Compressions.Waiting() == 0 })
		}
	}
	e.hooks.after.Store(&after)
	stdout, stderr := b.prepare(e, "c")
	require.NoError(t, stderr.Close())
	write(t, stdout, sevenDigits(5000))
	require.NoError(t, stdout.Close())
	eventually(t, "the stream has ended", func() bool { return e.Metrics().Streams == 0 })
}

// TestHandOverDuringACompressionLeavesNothingOpen: the keeper lives on, and may hand over
// many times.
func TestHandOverDuringACompressionLeavesNothingOpen(t *testing.T) {
	b := newTestbed(t, "max_stdout_size", "8MB", "logrotate_stdout_options", "rotate 3\ncompress\ncompresscmd zstd\ncompressoptions -19", "stderr", "discard")
	text := sevenDigits(9 << 17) // more than the limit
	for round := range 3 {
		e := b.open()
		stdout, stderr := b.prepare(e, fmt.Sprint("c", round))
		require.NoError(t, stderr.Close())
		write(t, stdout, text)
		eventually(t, "a file is being compressed", func() bool { return b.into(".out") > 0 })
		closeAll(e.HandOver())
		require.NoError(t, stdout.Close())
		eventually(t, "what was under way has ended", func() bool { return e.reactor.Compressions.Waiting() == 0 })
		eventually(t, "no descriptor leads into a sandbox any more", func() bool { return b.into("") == 0 })
	}
}

// into counts the descriptors that lead into a sandbox, to names that end in suffix.
func (b *testbed) into(suffix string) (count int) {
	links, err := filepath.Glob("/proc/self/fd/*")
	require.NoError(b.t, err)
	for _, link := range links {
		if path, err := os.Readlink(link); err == nil && strings.HasPrefix(path, b.boxes) && strings.HasSuffix(path, suffix) {
			count++
		}
	}
	return count
}

// TestAClosedPoolHoldsNoRotationUp: while an owner gives its streams up, rotations under
// way submit compressions to pools that are closed.
func TestAClosedPoolHoldsNoRotationUp(t *testing.T) {
	b := newTestbed(t, "max_stdout_size", "16KB", "logrotate_stdout_options", "rotate 100\ncompress", "stderr", "discard")
	e := b.open()
	defer e.Close()
	e.reactor.Compressions.Close()
	stdout, stderr := b.prepare(e, "c")
	require.NoError(t, stderr.Close())
	write(t, stdout, sevenDigits(5000))
	require.NoError(t, stdout.Close())
	eventually(t, "the stream has ended", func() bool { return e.Metrics().Streams == 0 })
}
