package realagent

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sluice is the command that was built with the library.
func (n *node) sluice(args ...string) *exec.Cmd {
	n.t.Helper()
	path := filepath.Join(filepath.Dir(n.library), "sluice")
	if _, err := os.Stat(path); err != nil {
		n.t.Skipf("missing program: %s, which is built with the library", path)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = environment()
	return cmd
}

// A task's log is followed through the agent's API alone, across rotations and
// compressions, to its end; and verified on the spot.
func TestLogsThroughTheAgent(t *testing.T) {
	const count = 60_000 // 3 MB in 46 files
	n := newNode(t, parameter{"max_stderr_size", "64KB"}, parameter{"logrotate_stderr_options", "rotate 1000\ncompress"})
	if _, err := os.Stat(n.execute); err != nil {
		t.Skipf("missing program: %s; MESOS_EXECUTE can name it", n.execute)
	}
	address := "--agent=http://127.0.0.1:" + strconv.Itoa(n.agentPort)
	known := func() bool { return n.sluice("logs", address, "--lines=0", "--stderr", "task").Run() == nil }
	require.False(t, known(), "no agent runs")
	n.startAgent()
	// stdout has lines of the executor too.
	framework := start(t, filepath.Join(n.dir, "execute.log"), n.execute,
		"--master=127.0.0.1:"+strconv.Itoa(n.masterPort), "--name=task", "--resources=cpus:0.1;mem:32",
		"--command=until test -e go; do sleep 0.1; done; "+writeNumbered(1, count)+" >&2; until test -e end; do sleep 0.1; done")
	framework.until("the agent knows the task", known)

	follow := n.sluice("logs", address, "--follow", "--stderr", "task")
	var out, said bytes.Buffer
	follow.Stdout, follow.Stderr = &out, &said
	require.NoError(t, follow.Start())
	t.Cleanup(func() { _ = follow.Process.Kill() })
	box, err := filepath.Glob(filepath.Join(n.workDir(), "slaves/*/frameworks/*/executors/*/runs/latest"))
	require.NoError(t, err)
	require.Len(t, box, 1)
	touch(t, box[0], "go")
	last := string(numbered(count, count))
	framework.until("the last line is there", func() bool {
		text, err := n.sluice("logs", address, "--lines=1", "--stderr", "task").Output()
		require.NoError(t, err)
		return string(text) == last
	})
	report, err := n.sluice("verify", "--state_dir="+n.stateDir(), box[0]).CombinedOutput()
	require.NoError(t, err, "%s", report)
	assert.Contains(t, string(report), "stderr: whole, ")
	touch(t, box[0], "end")
	<-framework.ended
	require.Zero(t, framework.cmd.ProcessState.ExitCode(), framework.log())
	require.NoError(t, follow.Wait(), said.String())
	assert.Empty(t, said.String())
	requireLogOf(t, out.Bytes(), count)

	// The task has ended; the agent remembers it.
	whole, err := n.sluice("logs", address, "--stderr", "task").Output()
	require.NoError(t, err)
	requireLogOf(t, whole, count)
	message, err := n.sluice("logs", address, "nobody").CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(message), `knows no container, task or executor "nobody"`)
}

// requireLogOf says that a log is the task's lines, after those of its executor.
func requireLogOf(t *testing.T, log []byte, count int) {
	t.Helper()
	want := numbered(1, count)
	at := bytes.Index(log, want[:lineBytes])
	require.GreaterOrEqual(t, at, 0, "the first line is missing")
	got := log[at:min(len(log), at+len(want))]
	written, there := len(want), len(got)
	require.Equal(t, written, there, "bytes of the task")
	require.True(t, bytes.Equal(want, got), "the lines are not the task's")
	require.NotContains(t, string(log[at+len(want):]), "00000000", "lines came twice")
}
