package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/tests/kit"
)

// keeper=start where something is in its way.

// holding starts an agent that has a task, and stays.
func holding(t *testing.T, params ...parameter) (a *agent, says func(string) bool) {
	t.Helper()
	a = newAgent(t, append([]parameter{{"keeper", "start"}}, params...)...)
	return a, a.hold()
}

// hold starts the agent with a task that waits, and gives what looks into its log.
func (a *agent) hold() (says func(string) bool) {
	a.t.Helper()
	path := filepath.Join(a.t.TempDir(), "log")
	log, err := os.Create(path)
	require.NoError(a.t, err)
	defer log.Close()
	b := &background{cmd: a.command("--", "sh", "-c", tellPID+"until test -e go; do sleep 0.01; done"), ended: make(chan struct{})}
	b.cmd.Stderr = log
	require.NoError(a.t, b.cmd.Start())
	go func() { _ = b.cmd.Wait(); close(b.ended) }()
	a.t.Cleanup(b.kill)
	a.awaitTasks(b, 1)
	a.running = b
	return func(text string) bool { return strings.Contains(read(a.t, path), text) }
}

// ends has the task of hold end, and with it the agent.
func (a *agent) ends() {
	a.t.Helper()
	require.NoError(a.t, os.WriteFile(filepath.Join(a.sandboxes()[0], goFile), nil, 0o600))
	<-a.running.ended
	require.Zero(a.t, a.running.cmd.ProcessState.ExitCode())
}

// TestStandbyWithoutItsProgram: the agent works, says what is missing and what that means,
// and has its keeper as soon as the program is there.
func TestStandbyWithoutItsProgram(t *testing.T) {
	program := filepath.Join(t.TempDir(), "sluice")
	a, says := holding(t, parameter{"keeper_command", program})
	kit.Wait(a.t, "it says so", func() bool {
		return says("cannot start the keeper; it is tried again") && says("stat "+program+": no such file or directory") &&
			says("nobody holds the pipes while the agent is away")
	})
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\necho out of order >&2; exit 3\n"), 0o755))
	kit.Wait(a.t, "it says what the program does", func() bool { return says("out of order") && says("exit status 3") })
	out, err := exec.Command("cp", filepath.Join(a.build, "sluice"), program+".new").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoError(t, os.Rename(program+".new", program))
	a.keeperOf()
	a.ends()
}

// TestStandbyThatIsKilled: another one is there soon.
func TestStandbyThatIsKilled(t *testing.T) {
	a, says := holding(t)
	first := a.keeperOf()
	require.NoError(t, unix.Kill(first, unix.SIGKILL))
	kit.Wait(a.t, "it is told", func() bool { return says("the keeper has ended; it is started again") })
	kit.Wait(a.t, "there is another", func() bool { pids := a.keepers(); return len(pids) == 1 && pids[0] != first })
	second := a.keeperOf()
	// A session of its own, and nobody's child that would have to wait for it.
	session, err := unix.Getsid(second)
	require.NoError(t, err)
	assert.Equal(t, second, session)
	status, err := os.ReadFile("/proc/" + strconv.Itoa(second) + "/stat")
	require.NoError(t, err)
	assert.NotContains(t, string(status), " "+strconv.Itoa(a.running.cmd.Process.Pid)+" ")
	a.ends()
	kit.Wait(a.t, "it ends when nothing is left", func() bool { return len(a.keepers()) == 0 })
}

// TestStandbyWithoutProcesses: none can be forked for a while.
func TestStandbyWithoutProcesses(t *testing.T) {
	needRoot(t)
	group := "/sys/fs/cgroup/pids/sluice-e2e-" + strconv.Itoa(os.Getpid())
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Skipf("missing: a hierarchy of the pids controller: %v", err)
	}
	a, says := holding(t)
	t.Cleanup(func() {
		kit.Wait(a.t, "the group is empty", func() bool { return os.Remove(group) == nil })
	})
	first := a.keeperOf()
	require.NoError(t, os.WriteFile(group+"/cgroup.procs", []byte(strconv.Itoa(a.running.cmd.Process.Pid)), 0))
	taken, err := os.ReadFile(group + "/pids.current")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(group+"/pids.max", bytes.TrimSpace(taken), 0))
	require.NoError(t, unix.Kill(first, unix.SIGKILL))
	refused := func() bool {
		events, _ := os.ReadFile(group + "/pids.events")
		return !strings.HasPrefix(string(events), "max 0")
	}
	kit.Wait(a.t, "a fork is refused", refused)
	assert.Empty(t, a.keepers())
	require.NoError(t, os.WriteFile(group+"/pids.max", []byte("max"), 0))
	a.keeperOf()
	assert.False(t, says("panic"))
	a.ends()
}

// TestOneStandbyForAllAgents: a second agent is refused, and starts none; the next one
// finds the keeper that lives.
func TestOneStandbyForAllAgents(t *testing.T) {
	a, _ := holding(t)
	keeper := a.keeperOf()
	second := a.run("--containers=0")
	assert.NotZero(t, second.code)
	assert.Contains(t, second.failure(), "is locked by process")
	assert.Equal(t, []int{keeper}, a.keepers())

	a.running.kill()
	kit.Wait(a.t, "the keeper serves", func() bool {
		return strings.Contains(read(t, filepath.Join(a.stateDir, "keeper.log")), "the agent is away")
	})
	next := a.start("--containers=0", "--hold")
	kit.Wait(a.t, "it hands over", func() bool {
		return strings.Contains(read(t, filepath.Join(a.stateDir, "keeper.log")), "handed the streams over")
	})
	require.NoError(t, os.WriteFile(filepath.Join(a.sandboxes()[0], goFile), nil, 0o600))
	a.await(next, a.stateEmpty)
	assert.Equal(t, []int{keeper}, a.keepers())
	require.NoError(t, next.cmd.Process.Signal(unix.SIGTERM))
	<-next.ended
	assert.Contains(t, next.stderr.String(), "a keeper stands by already, process "+strconv.Itoa(keeper))
	kit.Wait(a.t, "it ends when nothing is left", func() bool { return len(a.keepers()) == 0 })
}

// TestStandbyOfAnotherVersion: the next agent brings its own, once it has the streams.
func TestStandbyOfAnotherVersion(t *testing.T) {
	program := filepath.Join(t.TempDir(), "sluice")
	install := func() {
		out, err := exec.Command("cp", filepath.Join(build(t), "sluice"), program+".new").CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.NoError(t, os.Rename(program+".new", program))
	}
	install()
	a, _ := holding(t, parameter{"keeper_command", program})
	before := a.keeperOf()
	install() // as a package does
	a.running.kill()
	a.running = a.start("--containers=0", "--hold")
	kit.Wait(a.t, "the old one is replaced", func() bool { pids := a.keepers(); return len(pids) == 1 && pids[0] != before })
	a.keeperOf()
	require.NoError(t, os.WriteFile(filepath.Join(a.sandboxes()[0], goFile), nil, 0o600))
	a.await(a.running, a.stateEmpty)
	require.NoError(t, a.running.cmd.Process.Signal(unix.SIGTERM))
	<-a.running.ended
}
