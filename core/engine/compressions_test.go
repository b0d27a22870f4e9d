package engine

import (
	"path/filepath"
	"sluice/core/sandbox"
	"sluice/core/worker"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// occupy has compressions of a file system last until what is returned is called.
func occupy(c *compressions, device uint64, self worker.Identity, files int) (release func()) {
	held := make(chan struct{})
	for range files {
		c.submitter(device, self)(func() { <-held })
	}
	return sync.OnceFunc(func() { close(held) })
}

func TestCompressionsBeyondWhatMayWaitAreDoneOvertime(t *testing.T) {
	self, err := worker.Self()
	require.NoError(t, err)
	c := newCompressions(newTestbed(t).logger())
	defer c.close()
	release := occupy(c, 1, self, politeFiles)
	defer release()
	done := make(chan struct{})
	c.submitter(1, self)(func() { close(done) })
	<-done
	waitFor(func() bool { return c.waiting.Load() == politeFiles })
	release()
	waitFor(func() bool { return c.waiting.Load() == 0 && c.polites.Load() == 0 })
}

// TestEndedStreamsThatMayNotWaitStayPlain lets one stream wait for its compressions and
// not the next, whose files then are all there, plain, with nothing beside them.
func TestEndedStreamsThatMayNotWaitStayPlain(t *testing.T) {
	b := newTestbed(t, "max_stdout_size", "16KB", "logrotate_stdout_options", "rotate 100\ncompress")
	e := b.open()
	defer e.Close()
	e.compressions.lingererLimit = 1
	defer occupy(e.compressions, sandboxDevice(t, b), e.self, politeFiles+1)()
	want := sevenDigits(10000)
	for _, id := range []string{"first", "second"} {
		stdout, stderr := b.prepare(e, id)
		require.NoError(t, stderr.Close())
		write(t, stdout, want)
		require.NoError(t, stdout.Close())
		waitFor(func() bool { return e.compressions.lingerers.Load() == 1 && e.Metrics().Streams == 1 })
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
