package realagent

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/agent"
	"github.com/mesos/mesos-go/api/v1/lib/agent/calls"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
	assert.True(t, string(numbered(1, count)) == stdout, "the caller got %d bytes of stdout", len(stdout))
	assert.Equal(t, "error\n", stderr)

	n.endParent(parent)
	n.requireAccounted()
	n.requireSeries(sandbox(id), "stdout", 64<<10, numbered(1, count))
	n.requireSeries(sandbox(id), "stderr", 10<<20, []byte("error\n"))
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
		text, err := readFile(n.calls, sandbox(id)+"/stdout")
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

	n.endParent(parent)
	n.requireAccounted()
	n.requireSeries(sandbox(id), "stdout", 64<<10, []byte("ready\r\n"+said))
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
			assert.True(t, string(numbered(1, count)) == stdout, "the caller got %d bytes of stdout", len(stdout))
			n.endParent(parent)
			sizes, err := listFiles(n.calls, sandbox(id))
			require.NoError(t, err)
			assert.LessOrEqual(t, int(sizes["stdout"]), kept)
			assert.NotContains(t, sizes, "stdout.1")
			if kept > 0 {
				text, err := readFile(n.calls, sandbox(id)+"/stdout")
				require.NoError(t, err)
				assert.True(t, strings.HasPrefix(string(text), string(numbered(1, 1000))), "the log has %d bytes", len(text))
			}
			n.requireStateEmpty()
		})
	}
}

// launchParent launches a container for others to be in, until endParent ends it.
func (n *node) launchParent() mesos.ContainerID {
	n.t.Helper()
	id := mesos.ContainerID{Value: "parent"}
	require.NoError(n.t, launch(n.calls, id, shell("until test -e end; do sleep 0.1; done", nil)))
	n.agent.until("the parent has a sandbox", func() bool { return exists(n.sandboxes(), id.Value, "stdout") })
	return id
}

func (n *node) endParent(id mesos.ContainerID) {
	n.t.Helper()
	touch(n.t, n.sandboxes(), id.Value, "end")
	n.mustWait(id)
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
