package e2e

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"sluice/core/worker"
)

// descriptorsPerThread are what a thread that moves bytes has for itself: the two ends of the
// pipe into which it looks ahead, and /dev/null (pump.Scratch).
const descriptorsPerThread = 3

// threadsPerDevice is how many threads of that kind there are at most while all sandboxes lie
// on one file system; the last waits for what comes.
func threadsPerDevice() int {
	return min(worker.PerDevice, runtime.NumCPU()) + worker.Apart + worker.Lent + 1
}

// 200 containers, 5 MB each, all at once.
func TestManyContainers(t *testing.T) {
	const containers, count, width = 200, 100_000, 50
	a := newAgent(t,
		parameter{"max_stdout_size", "512KB"},
		parameter{"logrotate_stdout_options", "rotate 20"},
	)
	got := a.mustRun(append([]string{"--containers=200"}, writeNumbered(count, width)...)...)
	require.Len(t, got.sandboxes(), containers)
	written := numbered(count, width)
	for _, sandbox := range got.sandboxes() {
		requireWhole(t, sandbox, "stdout", 512<<10, written, true)
		requireWhole(t, sandbox, "stderr", 10<<20, nil, true)
	}
	a.requireStateEmpty()
	// What stays is the threads', however many streams there were; a slow machine has more of
	// them at work.
	most := got.Descriptors.Before + descriptorsPerThread*threadsPerDevice()
	require.LessOrEqual(t, got.Descriptors.After, most, "descriptors are left open")
	require.Zero(t, got.Metrics["sluice/streams"])
	require.InDelta(t, containers*count*width, got.Metrics["sluice/bytes_in"], 0)
	require.InDelta(t, containers*count*width, got.Metrics["sluice/bytes_written"], 0)
	require.InDelta(t, containers*count, got.Metrics["sluice/lines_in"], 0)
	require.InDelta(t, containers*count, got.Metrics["sluice/lines_written"], 0)
	require.Zero(t, got.Metrics["sluice/bytes_dropped"])
}
