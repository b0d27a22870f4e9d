package engine

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAgeOfAStreamThatWritesNothing lets the minute strike while nothing is written:
// what is over its age goes, and nothing else.
func TestAgeOfAStreamThatWritesNothing(t *testing.T) {
	b := newTestbed(t, "max_stdout_size", "4KB", "logrotate_stdout_options", "rotate 9\nmaxage 2", "logrotate_stderr_options", "rotate 9")
	e := b.open()
	defer e.Close()
	stdout, stderr := b.prepare(e, "c1")
	output := numbered(200, 100)
	_, err := stdout.Write(output)
	require.NoError(t, err)
	waitFor(func() bool { return e.Metrics().WrittenBytes == int64(len(output)) && resting(e) })
	require.True(t, e.reactor.GoesByTheClock(), "the clock is set for a policy with an age")

	box := b.sandbox("c1")
	old := time.Now().Add(-49 * time.Hour)
	for _, name := range []string{"stdout.4", "stdout.3", "stdout.old"} {
		path := filepath.Join(box, name)
		if name == "stdout.old" {
			require.NoError(t, os.WriteFile(path, nil, 0o600))
		}
		require.NoError(t, os.Chtimes(path, old, old))
	}
	e.reactor.Tend()
	waitFor(func() bool {
		_, err := os.Stat(filepath.Join(box, "stdout.3"))
		return os.IsNotExist(err)
	})
	assert.NoFileExists(t, filepath.Join(box, "stdout.4"))
	assert.FileExists(t, filepath.Join(box, "stdout.old"))
	kept := b.series("c1", "stdout", 4096)
	assert.True(t, bytes.HasSuffix(output, kept))
	assert.FileExists(t, filepath.Join(box, "stdout.2"))
	require.True(t, e.reactor.GoesByTheClock(), "and for the next minute")
	stdout.Close()
	stderr.Close()
	waitEnded(e)
	e.reactor.Tend()
	assert.False(t, e.reactor.GoesByTheClock(), "without such a stream nothing runs")
}
