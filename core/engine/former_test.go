package engine

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/settings"
)

// The operator lowers the number of files that a task may keep while a container runs: what is
// over it goes at the next start, and the container writes on.
func TestFewerFilesForAContainerThatRuns(t *testing.T) {
	for _, options := range []string{"rotate 9", "rotate 9\ndateext", "rotate 9\ncompress"} {
		b := newTestbed(t, "max_stdout_size", "64KB")
		e := b.open()
		stdout, stderr := b.prepare(e, "fewer", settings.Variable{Name: "CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS", Value: options})
		require.NoError(t, stderr.Close())
		_, err := stdout.Write(numbered(6000, 100))
		require.NoError(t, err)
		rotated := func() int {
			found, err := filepath.Glob(filepath.Join(b.sandbox("fewer"), "stdout?[0-9]*"))
			require.NoError(t, err)
			return len(found)
		}
		eventually(t, "nine files, compressed", func() bool { return rotated() == 9 && e.Metrics().Compressions == 0 })
		e.Close()

		b.module.Task.MaxFiles = 3
		e = b.open()
		eventually(t, "three files", func() bool { return rotated() == 3 })
		_, err = stdout.Write(numbered(100_000, 100))
		require.NoError(t, err)
		require.NoError(t, stdout.Close())
		waitEnded(e)
		assert.Equal(t, 3, rotated(), options)
		assert.Zero(t, e.Metrics().DroppedBytes)
		e.Close()
		require.NoError(t, os.RemoveAll(b.state))
	}
}
