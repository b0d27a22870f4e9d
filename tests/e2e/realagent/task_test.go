package realagent

import (
	"os"
	"path"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/mesos/mesos-go/api/v1/lib/agent"
	"github.com/mesos/mesos-go/api/v1/lib/agent/calls"
	"github.com/stretchr/testify/require"
)

// A task of a framework, with an executor around it: what most containers are. Its
// sandbox has a name in the files API of its own.
func TestTaskOfAFramework(t *testing.T) {
	n := newNode(t, parameter{"max_stderr_size", "64KB"}, parameter{"logrotate_stderr_options", "rotate 20"})
	if _, err := os.Stat(n.execute); err != nil {
		t.Skipf("missing program: %s; MESOS_EXECUTE can name it", n.execute)
	}
	n.startAgent()
	// stdout has lines of the executor too.
	framework := start(t, filepath.Join(n.dir, "execute.log"), n.execute,
		"--master=127.0.0.1:"+strconv.Itoa(n.masterPort), "--name=task", "--resources=cpus:0.1;mem:32",
		"--command="+writeNumbered(1, 5000)+" >&2")
	<-framework.ended
	require.Zero(t, framework.cmd.ProcessState.ExitCode(), framework.log())
	n.requireAccounted()

	var answer agent.Response
	require.NoError(t, send(n.calls, calls.GetExecutors(), &answer))
	executors := answer.GetGetExecutors()
	all := append(executors.GetExecutors(), executors.GetCompletedExecutors()...)
	require.Len(t, all, 1)
	info := all[0].ExecutorInfo
	dir := path.Join("/frameworks", info.FrameworkID.Value, "executors", info.ExecutorID.Value, "runs/latest")
	sizes, err := listFiles(n.calls, dir)
	require.NoError(t, err)
	require.Positive(t, sizes["stderr.3"])
	text := n.joined(dir, "stderr", 64<<10)
	require.Contains(t, string(text), string(numbered(1, 5000)))
	n.requireStateEmpty()
}
