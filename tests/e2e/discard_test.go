package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	// writesTo tells, on its stderr, where the stdout of a task leads.
	writesTo = "exec 3>&1; readlink /proc/self/fd/3 >&2"
	// mebibyte of zeros, and that the writer did not fail.
	mebibyte = "head -c 1048576 /dev/zero; echo status $? >&2"
)

func content(t *testing.T, sandbox, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(sandbox, name))
	require.NoError(t, err)
	return string(data)
}

func TestATaskDiscardsItsOutput(t *testing.T) {
	a := newAgent(t)
	box := a.sandboxOf(env("STDOUT", "discard"), "--", "/bin/sh", "-c", writesTo+"; "+mebibyte)
	assert.Empty(t, content(t, box, "stdout"))
	assert.Equal(t, "/dev/null\nstatus 0\n", content(t, box, "stderr"))
	assert.Contains(t, content(t, box, "stdout.logrotate.conf"), "# task variable CONTAINER_LOGGER_STDOUT: discard.")
	a.requireStateEmpty()
}

func TestDebugContainers(t *testing.T) {
	for _, nested := range []bool{false, true} {
		flags := []string{"--container_class=DEBUG"}
		if nested {
			flags = append(flags, "--nested")
		}
		task := append(flags, "--", "/bin/sh", "-c", mebibyte)

		a := newAgent(t, parameter{"debug_containers", "discard"})
		box := a.sandboxOf(task...)
		assert.Empty(t, content(t, box, "stdout"))
		assert.Empty(t, content(t, box, "stderr"))
		a.requireStateEmpty()

		a = newAgent(t, parameter{"debug_containers", "first"})
		got := a.mustRun(append([]string{"--metrics"}, task...)...)
		box = got.sandboxes()[0]
		kept := content(t, box, "stdout")
		assert.LessOrEqual(t, len(kept), 64<<10)
		assert.Regexp(t, `\n\[sluice\] \S+ only the first 65536 bytes are kept, what follows is discarded \(debug_containers=first\)\n$`, kept)
		assert.Equal(t, "status 0\n", content(t, box, "stderr"))
		assert.InDelta(t, 1<<20+len("status 0\n"), got.Metrics["sluice/bytes_in"], 0)
		assert.Positive(t, got.Metrics["sluice/bytes_dropped"])
		a.requireStateEmpty()
	}
}
