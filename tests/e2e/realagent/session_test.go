package realagent

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/agent"
	"github.com/mesos/mesos-go/api/v1/lib/agent/calls"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/tests/kit"
)

// A session in a container: what it says comes to the caller and into the sandbox.
func TestSession(t *testing.T) {
	const count = 20_000
	n := newNode(t, parameter{"max_stdout_size", "64KB"}, parameter{"logrotate_stdout_options", "rotate 20"})
	n.startAgent()
	parent := n.launchParent()
	id := mesos.ContainerID{Value: "session", Parent: &parent}
	heard := n.listen(calls.LaunchNestedContainerSession(id, shell(writeNumbered(1, count)+"; echo error >&2", nil), nil))
	stdout, stderr := <-heard, <-heard
	kit.Same(t, string(numbered(1, count)), stdout)
	assert.Equal(t, "error\n", stderr)

	n.endParent()
	n.requireAccounted()
	kit.Same(t, string(numbered(1, count)), string(kit.Joined(t, 64<<10, n.nested(id), "stdout")))
	kit.Same(t, "error\n", string(kit.Joined(t, 10<<20, n.nested(id), "stderr")))
	n.requireStateEmpty()
}

// A container with a terminal: somebody attaches, types, and hears; the log has it all.
func TestAttachedTerminal(t *testing.T) {
	const count = 5_000
	n := newNode(t, parameter{"max_stdout_size", "64KB"}, parameter{"logrotate_stdout_options", "rotate 20"})
	n.startAgent()
	parent := n.launchParent()
	id := mesos.ContainerID{Value: "terminal", Parent: &parent}
	kind := mesos.ContainerInfo_MESOS
	script := "stty -echo; echo ready; read first; " + writeNumbered(1, count) + "; echo typed $first"
	require.NoError(t, send(n.calls, calls.LaunchNestedContainer(id, shell(script, nil),
		&mesos.ContainerInfo{Type: &kind, TTYInfo: &mesos.TTYInfo{}}), nil))
	n.agent.until("the terminal is ready", func() bool {
		text, err := os.ReadFile(filepath.Join(n.nested(id), "stdout"))
		return err == nil && strings.Contains(string(text), "ready")
	})
	heard := n.listen(calls.AttachContainerOutput(id))
	typed := calls.Empty().Push(calls.AttachContainerInput(id), calls.AttachContainerInputData([]byte("something\n")))
	answer, err := n.calls.Send(context.Background(), typed)
	require.NoError(t, err)
	if answer != nil {
		_ = answer.Close()
	}
	stdout := <-heard
	assert.Empty(t, <-heard, "a terminal has no stderr")
	said := strings.ReplaceAll(string(numbered(1, count)), "\n", "\r\n") + "typed something\r\n"
	assert.True(t, strings.HasSuffix(stdout, said), "the caller got %d bytes, %d were said", len(stdout), len(said))

	n.endParent()
	n.requireAccounted()
	kit.Same(t, "ready\r\n"+said, string(kit.Joined(t, 64<<10, n.nested(id), "stdout")))
	n.requireStateEmpty()
}

// Of DEBUG containers the log has what debug_containers says, the caller everything.
func TestSessionWithoutALog(t *testing.T) {
	const count = 5_000 // 250 KB
	for policy, kept := range map[string]int{"first": 64 << 10, "discard": 0} {
		t.Run(policy, func(t *testing.T) {
			n := newNode(t, parameter{"debug_containers", policy})
			n.startAgent()
			parent := n.launchParent()
			id := mesos.ContainerID{Value: "session", Parent: &parent}
			heard := n.listen(calls.LaunchNestedContainerSession(id, shell(writeNumbered(1, count), nil), nil))
			stdout := <-heard
			kit.Same(t, string(numbered(1, count)), stdout)
			n.endParent()
			n.awaitStreams()
			text, err := os.ReadFile(filepath.Join(n.nested(id), "stdout"))
			require.NoError(t, err)
			assert.LessOrEqual(t, len(text), kept)
			assert.NoFileExists(t, filepath.Join(n.nested(id), "stdout.1"))
			if kept > 0 {
				assert.True(t, strings.HasPrefix(string(text), string(numbered(1, 1000))), "the log has %d bytes", len(text))
			}
			n.requireStateEmpty()
		})
	}
}

// launchParent launches a task for containers to be in, until endParent ends it: sessions
// are for the containers of executors.
func (n *node) launchParent() mesos.ContainerID {
	n.t.Helper()
	if _, err := os.Stat(n.execute); err != nil {
		n.t.Skipf("missing program: %s; MESOS_EXECUTE can name it", n.execute)
	}
	n.task = start(n.t, filepath.Join(n.dir, "execute.log"), n.execute,
		"--master=127.0.0.1:"+strconv.Itoa(n.masterPort), "--name=task", "--resources=cpus:0.1;mem:32",
		"--command=touch begun; until test -e end; do sleep 0.1; done")
	n.agent.until("the task runs", func() bool {
		found, _ := filepath.Glob(filepath.Join(n.runOfTask(), "begun"))
		return len(found) == 1
	})
	run, err := filepath.EvalSymlinks(n.oneRun())
	require.NoError(n.t, err)
	return mesos.ContainerID{Value: filepath.Base(run)}
}

// runOfTask is a pattern for the sandbox of the one task.
func (n *node) runOfTask() string {
	return filepath.Join(n.workDir(), "slaves", "*", "frameworks", "*", "executors", "*", "runs", "latest")
}

func (n *node) oneRun() string {
	n.t.Helper()
	found, err := filepath.Glob(n.runOfTask())
	require.NoError(n.t, err)
	require.Len(n.t, found, 1)
	return found[0]
}

// nested is the sandbox of a container in the task's.
func (n *node) nested(id mesos.ContainerID) string {
	return filepath.Join(n.oneRun(), "containers", id.Value)
}

func (n *node) endParent() {
	n.t.Helper()
	touch(n.t, n.oneRun(), "end")
	<-n.task.ended
	require.Zero(n.t, n.task.cmd.ProcessState.ExitCode(), n.task.log())
}

// listen makes a call whose answer is a container's output, to its end: what came first
// is of stdout, then of stderr.
func (n *node) listen(call *agent.Call) <-chan string {
	n.t.Helper()
	answer, err := n.calls.Send(context.Background(), calls.NonStreaming(call))
	require.NoError(n.t, err)
	heard := make(chan string, 2)
	go func() {
		defer answer.Close()
		var texts [2]strings.Builder
		for {
			var message agent.ProcessIO
			if err := answer.Decode(&message); err != nil {
				if !errors.Is(err, io.EOF) {
					texts[0].WriteString("\nthe answer broke off: " + err.Error())
				}
				break
			}
			switch message.GetData().GetType() {
			case agent.ProcessIO_Data_STDOUT:
				texts[0].Write(message.Data.Data)
			case agent.ProcessIO_Data_STDERR:
				texts[1].Write(message.Data.Data)
			}
		}
		heard <- texts[0].String()
		heard <- texts[1].String()
	}()
	return heard
}
