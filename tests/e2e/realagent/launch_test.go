package realagent

import (
	"fmt"
	"path"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// writeNumbered is a script that writes what numbered has.
func writeNumbered(first, last int) string {
	return fmt.Sprintf("seq --format=%s %d %d", seqFormat, first, last)
}

// mustWait waits for a container, which has to succeed if anybody knows.
func (n *node) mustWait(id mesos.ContainerID) {
	n.t.Helper()
	status, err := wait(n.calls, id)
	require.NoError(n.t, err)
	if status != nil {
		require.Zero(n.t, *status, "%s", id.Value)
	}
}

// Standalone containers side by side, with the operator's limits and with their own.
func TestStandaloneContainers(t *testing.T) {
	const count, containers = 20_000, 8
	n := newNode(t, parameter{"max_stdout_size", "256KB"}, parameter{"logrotate_stdout_options", "rotate 20"})
	n.startAgent()
	limits := map[string]int{}
	for i := range containers {
		id := mesos.ContainerID{Value: fmt.Sprintf("standalone-%d", i)}
		limits[id.Value] = 256 << 10
		var variables map[string]string
		if i%2 == 1 {
			limits[id.Value] = 64 << 10
			variables = map[string]string{"MAX_STDOUT_SIZE": "64KB", "LOGROTATE_STDOUT_OPTIONS": "rotate 100"}
		}
		require.NoError(t, launch(n.calls, id, shell(writeNumbered(1, count)+"; echo error >&2", variables)))
	}
	for name := range limits {
		n.mustWait(mesos.ContainerID{Value: name})
	}
	metrics := n.requireAccounted()
	for name, limitBytes := range limits {
		dir := sandbox(mesos.ContainerID{Value: name})
		n.requireSeries(dir, "stdout", limitBytes, numbered(1, count))
		n.requireSeries(dir, "stderr", 10<<20, []byte("error\n"))
	}
	assert.InDelta(t, containers*(count*lineBytes+len("error\n")), metrics["sluice/bytes_in"], 0)
	assert.NotZero(t, metrics["sluice/rotations"])
	n.requireStateEmpty()
}

// Containers in a container, and one in those: their sandboxes are in its sandbox.
func TestNestedContainers(t *testing.T) {
	const count = 5_000
	n := newNode(t, parameter{"max_stdout_size", "64KB"}, parameter{"logrotate_stdout_options", "rotate 20"})
	n.startAgent()
	parent := mesos.ContainerID{Value: "parent"}
	require.NoError(t, launch(n.calls, parent, shell("echo parent; until test -e end; do sleep 0.1; done", nil)))

	child := mesos.ContainerID{Value: "child", Parent: &parent}
	other := mesos.ContainerID{Value: "other", Parent: &parent}
	grandchild := mesos.ContainerID{Value: "grandchild", Parent: &child}
	require.NoError(t, launch(n.calls, child, shell("until test -e end; do sleep 0.1; done; "+writeNumbered(1, count), nil)))
	require.NoError(t, launch(n.calls, other, shell(writeNumbered(1, count), nil)))
	require.NoError(t, launch(n.calls, grandchild, shell(writeNumbered(count, 2*count)+"; touch ../../end", nil)))
	for _, id := range []mesos.ContainerID{grandchild, child, other} {
		n.mustWait(id)
	}
	end := mesos.ContainerID{Value: "ends-parent", Parent: &parent}
	require.NoError(t, launch(n.calls, end, shell("touch ../../end", nil)))
	n.mustWait(parent)

	n.requireAccounted()
	n.requireSeries(sandbox(parent), "stdout", 64<<10, []byte("parent\n"))
	n.requireSeries(sandbox(child), "stdout", 64<<10, numbered(1, count))
	n.requireSeries(sandbox(other), "stdout", 64<<10, numbered(1, count))
	n.requireSeries(sandbox(grandchild), "stdout", 64<<10, numbered(count, 2*count))
	n.requireStateEmpty()
}

// The manifest in the flag itself, and a policy with files that are no text.
func TestCompressedSeriesWithModulesInTheFlag(t *testing.T) {
	n := newNode(t, parameter{"max_stdout_size", "64KB"}, parameter{"logrotate_stdout_options", "rotate 3\ncompress"})
	n.launchAgent(n.modules())
	n.awaitAgent()
	id := mesos.ContainerID{Value: "compressed"}
	require.NoError(t, launch(n.calls, id, shell(writeNumbered(1, 10_000), nil)))
	n.mustWait(id)
	n.requireAccounted()
	n.agent.until("the files are compressed", func() bool {
		sizes, err := listFiles(n.calls, sandbox(id))
		require.NoError(t, err)
		return sizes["stdout.1.gz"] > 0 && sizes["stdout.2.gz"] > 0 && sizes["stdout.3.gz"] > 0
	})
	content, err := readFile(n.calls, path.Join(sandbox(id), "stdout.1.gz"))
	require.NoError(t, err)
	assert.Equal(t, []byte{0x1f, 0x8b}, content[:2])
}
