package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An agent is killed while its task writes. The task goes on; the next agent finds
// the stream and ends it.
func TestNextAgentServesTheStreamsOfADeadOne(t *testing.T) {
	const count, width = 100_000, 50
	a := newAgent(t, parameter{"max_stdout_size", "512KB"}, parameter{"logrotate_stdout_options", "rotate 20"})
	dead := a.start("--", "sh", "-c", tellPID+`
		echo $$
		seq --format=`+seqFormat(width)+` 1 `+strconv.Itoa(count/2)+`
		until test -e go; do :; done
		seq --format=`+seqFormat(width)+` `+strconv.Itoa(count/2+1)+` `+strconv.Itoa(count))
	pid := a.awaitTasks(dead, 1)[0]
	dead.kill()
	sandbox := a.sandboxes()[0]
	require.NoError(t, os.WriteFile(filepath.Join(sandbox, "go"), nil, 0o600))

	got := a.mustRun("--containers=0")
	assert.InDelta(t, 2, got.Metrics["sluice/streams_recovered"], 0)
	written := append([]byte(strconv.Itoa(pid)+"\n"), numbered(count, width)...)
	requireWhole(t, sandbox, "stdout", 512<<10, written, true)
	a.requireStateEmpty()
}
