package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sluice runs the command to its end.
func (a *agent) sluice(args ...string) (stdout, stderr string, err error) {
	cmd := exec.Command(filepath.Join(a.build, "sluice"), args...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err = cmd.Run()
	return out.String(), errOut.String(), err
}

func TestKeeperExplainsItself(t *testing.T) {
	a := newAgent(t)
	out, _, err := a.sluice("keep", "--help")
	require.NoError(t, err)
	for _, word := range []string{"--state_dir", "--drain", "SIGTERM", "hands them back"} {
		assert.Contains(t, out, word)
	}
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, c := range []struct{ flag, message string }{
		{"--state_dir=" + file, fmt.Sprintf("state_dir %q: expected a directory", file)},
		{"--drained", "has no flag --drained"},
		{"more", "expected no argument, and not more"},
	} {
		_, message, err := a.sluice("keep", c.flag)
		require.Error(t, err)
		assert.Contains(t, message, c.message)
	}
}

// logged waits until the log of a node has a text.
func (n *node) logged(text string) {
	n.until(func() bool { return strings.Contains(read(n.t, n.log.Name()), text) })
}

func TestTwoKeepersAreRefused(t *testing.T) {
	n := newNode(t, 1)
	n.startKeeper()
	n.logged("the agent is away")
	_, message, err := n.sluice("keep", "--state_dir="+n.stateDir)
	require.Error(t, err)
	assert.Contains(t, message, fmt.Sprintf("has a keeper already, process %d", n.keeper.Process.Pid))
	require.NoError(t, n.keeper.Process.Signal(syscall.SIGTERM))
	require.NoError(t, n.keeper.Wait(), "status 0 on SIGTERM")
}

// switches counts how often the threads of a process were put to sleep or to work.
func switches(t *testing.T, pid int) (total int) {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	require.NoError(t, err)
	for _, task := range tasks {
		for line := range strings.Lines(read(t, task)) {
			if strings.Contains(line, "ctxt_switches") {
				var n int
				_, err := fmt.Sscan(line[strings.Index(line, ":")+1:], &n)
				require.NoError(t, err)
				total += n
			}
		}
	}
	return total
}

// While the agent lives the keeper sleeps.
func TestKeeperStandsByWithoutWakeUps(t *testing.T) {
	n := newNode(t, 1)
	n.startAgent("--containers=1", "--", "sh", "-c", "until test -e "+endFile+"; do sleep 0.1; done")
	n.logged("container logs go through sluice")
	n.startKeeper()
	n.logged("standing by")
	// What starts a Go process has to come to rest: the test waits for a second
	// without any switch, however long that takes.
	quiet := func() bool {
		before := switches(t, n.keeper.Process.Pid)
		time.Sleep(time.Second)
		return switches(t, n.keeper.Process.Pid) == before
	}
	n.until(quiet)
	for range 2 {
		assert.True(t, quiet(), "the keeper woke up while the agent lives")
	}
	n.until(func() bool { n.boxes = n.sandboxes(); return len(n.boxes) == 1 })
	require.NoError(t, os.WriteFile(filepath.Join(n.boxes[0], endFile), nil, 0o600))
	require.NoError(t, n.agentProcess.Wait())
}

// An operator who goes back to another logger: the keeper serves what runs.
func TestDrainServesUntilTheLastStreamHasEnded(t *testing.T) {
	n := newNode(t, 1, parameter{"max_stdout_size", "64KB"}, parameter{"max_stderr_size", "64KB"},
		parameter{"logrotate_stdout_options", "rotate 1000"}, parameter{"logrotate_stderr_options", "rotate 1000\ncompress"})
	n.startContainers(2)
	n.kill(n.agentProcess)
	drain := n.spawn(exec.Command(filepath.Join(n.build, "sluice"), "keep", "--drain", "--state_dir="+n.stateDir))
	n.until(func() bool { return n.openPipes(drain) == 2*len(n.boxes) })
	for _, box := range n.boxes {
		n.until(func() bool { return len(anyRotated(box, "stdout")) > 1 })
		require.NoError(t, os.WriteFile(filepath.Join(box, endFile), nil, 0o600))
	}
	require.NoError(t, drain.Wait(), "status 0 when all has ended")
	n.requireAll()
	assert.Contains(t, read(t, n.log.Name()), "the last stream has ended")
}
