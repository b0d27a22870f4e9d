package e2e

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ownerStatus is what `sluice status --json` tells.
type ownerStatus struct {
	Owner *struct {
		Process string
		PID     int
	}
	Streams []struct {
		Container, Stream, Sandbox, State string
		InBytes                           int64 `json:"in_bytes"`
		DroppedBytes                      int64 `json:"dropped_bytes"`
		Rotations                         int64
	}
}

func (n *node) status() (s ownerStatus, err error) {
	n.t.Helper()
	out, message, err := n.sluice("status", "--json", "--state_dir="+n.stateDir)
	require.NoError(n.t, json.Unmarshal([]byte(out), &s), "%s%s", out, message)
	return s, err
}

// TestStatusAndRotateFollowTheOwner asks the agent, nobody, the keeper, and the agent
// again.
func TestStatusAndRotateFollowTheOwner(t *testing.T) {
	n := newNode(t, 1, parameter{"max_stdout_size", "64KB"}, parameter{"max_stderr_size", "64KB"},
		parameter{"logrotate_stdout_options", "rotate 100000"}, parameter{"logrotate_stderr_options", "rotate 100000"})
	n.startContainers(2)
	status, err := n.status()
	require.NoError(t, err)
	require.NotNil(t, status.Owner)
	assert.Equal(t, "sluice-harness", status.Owner.Process, "the host of the library")
	assert.Equal(t, n.agentProcess.Process.Pid, status.Owner.PID)
	require.Len(t, status.Streams, 4)
	for _, s := range status.Streams {
		assert.Equal(t, "served", s.State)
		assert.Contains(t, n.boxes, s.Sandbox)
		assert.Zero(t, s.DroppedBytes)
	}
	rotate := func() {
		t.Helper()
		out, message, err := n.sluice("rotate", status.Streams[0].Container, "--state_dir="+n.stateDir)
		require.NoError(t, err, message)
		assert.Contains(t, out, fmt.Sprintf("%s stdout: rotated to stdout.1, ", status.Streams[0].Container))
		assert.Contains(t, out, fmt.Sprintf("%s stderr: rotated to stderr.1, ", status.Streams[0].Container))
	}
	rotate()

	n.kill(n.agentProcess)
	dead, err := n.status()
	require.Error(t, err, "status 1")
	assert.Nil(t, dead.Owner)
	require.Len(t, dead.Streams, 4)
	for i, s := range dead.Streams {
		assert.Equal(t, "waiting", s.State)
		assert.GreaterOrEqual(t, s.InBytes+1<<20, status.Streams[i].InBytes)
	}
	_, message, err := n.sluice("rotate", status.Streams[0].Container, "--state_dir="+n.stateDir)
	require.Error(t, err)
	assert.Contains(t, message, "only who serves a log can rotate it")

	n.startKeeper()
	n.until(func() bool { status, err = n.status(); return err == nil && status.Owner != nil })
	assert.Equal(t, "sluice", status.Owner.Process)
	assert.Equal(t, n.keeper.Process.Pid, status.Owner.PID)
	require.Len(t, status.Streams, 4)
	rotate()

	n.startAgent("--containers=0")
	n.until(func() bool {
		status, err = n.status()
		return err == nil && status.Owner != nil && status.Owner.PID == n.agentProcess.Process.Pid
	})
	rotate()
	n.finish()
	n.requireAll()
	n.requireStateEmpty()
}

// TestAgentIsNotSlowedByWhoAsksIt has connections that ask nothing, and many that ask
// and read nothing, while containers write.
func TestAgentIsNotSlowedByWhoAsksIt(t *testing.T) {
	n := newNode(t, 2, parameter{"max_stdout_size", "64KB"}, parameter{"max_stderr_size", "64KB"},
		parameter{"logrotate_stdout_options", "rotate 100000"}, parameter{"logrotate_stderr_options", "rotate 100000"})
	n.startContainers(2)
	for i := range 200 {
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
		require.NoError(t, err)
		defer syscall.Close(fd)
		if syscall.Connect(fd, &syscall.SockaddrUnix{Name: filepath.Join(n.stateDir, "owner.socket")}) != nil {
			continue // the queue is full
		}
		question := []string{"", `{"version":1,"ask":"status"}` + "\n", strings.Repeat("x", 100), `{"version":1,"ask":"rotate","streams":["x"]}`}[i%4]
		_, _ = syscall.Write(fd, []byte(question))
	}
	n.finish()
	n.requireAll()
}
