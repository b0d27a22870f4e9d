package realagent

import (
	"fmt"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The agent is killed again and again in the middle of the output of containers, one of
// them nested, and started again on the same directories.
func TestKilledAgentLosesNothing(t *testing.T) {
	const (
		kills      = 3
		batch      = 500
		batches    = 200
		limitBytes = 64 << 10
	)
	n := newNode(t, parameter{"max_stdout_size", "64KB"}, parameter{"max_stderr_size", "64KB"},
		parameter{"logrotate_stdout_options", "rotate 1000"}, parameter{"logrotate_stderr_options", "rotate 1000"})
	n.startAgent()

	// Steady output, for longer than the agents need to be killed and started.
	script := fmt.Sprintf(`i=0; while test $i -lt %d; do
		seq --format=%s $((i*%d+1)) $((i*%d+%d)) | tee /dev/stderr
		i=$((i+1)); test -e go || sleep 0.05
	done`, batches, seqFormat, batch, batch, batch)
	parent := mesos.ContainerID{Value: "parent"}
	others := []mesos.ContainerID{{Value: "nested", Parent: &parent}, {Value: "other"}}
	// The end of the parent would be the end of the container in it, which may be slower.
	require.NoError(t, launch(n.calls, parent, shell(script+"; until test -e end; do sleep 0.05; done", nil)))
	for _, id := range others {
		require.NoError(t, launch(n.calls, id, shell(script, nil)))
	}
	for range kills {
		before := n.rotatedFiles(sandbox(parent), "stdout")
		n.agent.until("the output goes on", func() bool {
			return n.rotatedFiles(sandbox(parent), "stdout") > before+2
		})
		n.agent.kill()
		n.startAgent()
	}
	metrics, err := getMetrics(n.calls)
	require.NoError(t, err)
	assert.NotZero(t, metrics["sluice/streams_recovered"], "the last agent was killed after the output had ended")

	for _, id := range others {
		_, err := wait(n.calls, id)
		require.NoError(t, err, id.Value)
	}
	touch(t, n.sandboxes(), parent.Value, "end")
	_, err = wait(n.calls, parent)
	require.NoError(t, err)
	n.requireAccounted()
	written := numbered(1, batch*batches)
	for _, id := range append(others, parent) {
		n.requireSeries(sandbox(id), "stdout", limitBytes, written)
		n.requireSeries(sandbox(id), "stderr", limitBytes, written)
	}
	n.requireStateEmpty()
}

// Output that is written while no agent runs waits in the pipes; the container that
// wrote it may be gone before the next agent comes, if another process has its pipe.
func TestOutputWithoutAnAgent(t *testing.T) {
	const count = 15_000
	n := newNode(t, parameter{"max_stdout_size", "64KB"}, parameter{"logrotate_stdout_options", "rotate 1000"})
	n.startAgent()
	id := mesos.ContainerID{Value: "waiting"}
	require.NoError(t, launch(n.calls, id, shell(
		"until test -e go; do sleep 0.02; done; "+writeNumbered(1, count)+
			"; touch written; until test -e end; do sleep 0.02; done", nil)))
	n.agent.until("the sandbox is there", func() bool { return exists(n.sandboxes(), id.Value, "stdout") })
	n.agent.kill()
	touch(t, n.sandboxes(), id.Value, "go")
	eventually(func() bool { return exists(n.sandboxes(), id.Value, "written") })
	n.startAgent()
	metrics, err := getMetrics(n.calls)
	require.NoError(t, err)
	assert.InDelta(t, 2, metrics["sluice/streams_recovered"], 0)
	touch(t, n.sandboxes(), id.Value, "end")
	_, err = wait(n.calls, id)
	require.NoError(t, err)
	metrics = n.requireAccounted()
	assert.InDelta(t, count*lineBytes, metrics["sluice/bytes_in"], 0)
	n.requireSeries(sandbox(id), "stdout", 64<<10, numbered(1, count))
	n.requireStateEmpty()
}
