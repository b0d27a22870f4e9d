package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sluice/core/worker"
)

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
	// What stays is the process's, however many streams there were: /dev/null, and the
	// pipe into which each thread looks ahead, of which a slow machine has more at work.
	require.LessOrEqual(t, got.Descriptors.After, got.Descriptors.Before+1+2*worker.Total, "descriptors are left open")
	require.Zero(t, got.Metrics["sluice/streams"])
	require.InDelta(t, containers*count*width, got.Metrics["sluice/bytes_in"], 0)
	require.InDelta(t, containers*count*width, got.Metrics["sluice/bytes_written"], 0)
	require.InDelta(t, containers*count, got.Metrics["sluice/lines_in"], 0)
	require.InDelta(t, containers*count, got.Metrics["sluice/lines_written"], 0)
	require.Zero(t, got.Metrics["sluice/bytes_dropped"])
}
