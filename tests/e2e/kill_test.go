package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sluice/tests/kit"
)

// Rounds of SIGKILL at random moments, under load.
const (
	defaultRounds  = 20
	roundsPerBatch = 5 // then fresh containers take over, with other policies
	killContainers = 4
	killLimitBytes = 64 << 10
)

// killPolicies are what the streams of a batch have, by turns.
var killPolicies = []string{
	"rotate 10000",
	"rotate 10000\ncompress",
	"rotate 10000\ndateext",
	"rotate 10000\ncompress\ndelaycompress",
	"rotate 10000\ncompress\nolddir old\ncreateolddir 0755",
	"rotate 10000\ndateext\ncompress\nolddir old\ncreateolddir 0755",
}

// number reads a parameter of the test from the environment.
func number(t *testing.T, name string, fallback uint64) uint64 {
	t.Helper()
	text, given := os.LookupEnv(name)
	if !given {
		return fallback
	}
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, name)
	return n
}

// The agent is killed and started again.
func TestKilledAgentLosesNothing(t *testing.T) {
	killRounds(t, func(n *node) {
		n.moment(300 * time.Millisecond)
		n.kill(n.agentProcess)
		n.startAgent("--containers=0")
	})
}

// The agent is killed, a keeper takes over, and hands back to the next agent. Now and
// then the keeper is killed while it serves.
func TestKilledAgentWithKeeperLosesNothing(t *testing.T) {
	killRounds(t, func(n *node) {
		if n.keeper == nil {
			n.startKeeper()
		}
		n.moment(300 * time.Millisecond)
		n.kill(n.agentProcess)
		n.moment(150 * time.Millisecond)
		if n.random.IntN(4) == 0 {
			n.kill(n.keeper)
			n.startKeeper()
		}
		n.startAgent("--containers=0")
	})
}

// Agent and keeper are killed together; for a while there is nobody.
func TestKilledAgentAndKeeperLoseNothing(t *testing.T) {
	killRounds(t, func(n *node) {
		if n.keeper == nil {
			n.startKeeper()
		}
		n.moment(300 * time.Millisecond)
		n.kill(n.agentProcess, n.keeper)
		n.moment(50 * time.Millisecond)
		n.startKeeper()
		n.moment(50 * time.Millisecond)
		n.startAgent("--containers=0")
	})
}

// node is a machine with an agent, perhaps a keeper, and containers that write.
type node struct {
	*agent
	random       *rand.Rand
	seed         uint64
	agentProcess *exec.Cmd
	keeper       *exec.Cmd
	log          *os.File
	report       *os.File // of the last agent
	boxes        []string
}

// killRounds does rounds in batches. SLUICE_KILL_ROUNDS says how many, and
// SLUICE_KILL_SEED repeats a run as far as chance allows.
func killRounds(t *testing.T, round func(*node)) {
	rounds := int(number(t, "SLUICE_KILL_ROUNDS", defaultRounds))
	seed := number(t, "SLUICE_KILL_SEED", rand.Uint64N(1e9))
	t.Logf("SLUICE_KILL_SEED=%d SLUICE_KILL_ROUNDS=%d", seed, rounds)
	files, bytes := 0, int64(0)
	for batch := 0; batch*roundsPerBatch < rounds; batch++ {
		out, err := killPolicies[batch*2%len(killPolicies)], killPolicies[(batch*2+1)%len(killPolicies)]
		n := newNode(t, seed+uint64(batch),
			parameter{"max_stdout_size", "64KB"}, parameter{"max_stderr_size", "64KB"},
			parameter{"logrotate_stdout_options", out}, parameter{"logrotate_stderr_options", err})
		n.startContainers(killContainers)
		for range min(roundsPerBatch, rounds-batch*roundsPerBatch) {
			round(n)
		}
		r := n.finish()
		f, b, l := n.requireAll()
		files, bytes = files+f, bytes+b
		require.InDelta(t, b, r.Metrics["sluice/bytes_written"], 0, "the account across all kills")
		require.InDelta(t, l, r.Metrics["sluice/lines_written"], 0, "the account across all kills")
	}
	t.Logf("%d rounds, %d rotated files, %d MB", rounds, files, bytes>>20)
}

func newNode(t *testing.T, seed uint64, params ...parameter) *node {
	t.Helper()
	n := &node{agent: newAgent(t, params...), random: rand.New(rand.NewPCG(seed, 1)), seed: seed}
	var err error
	n.log, err = os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("agents and keepers say:\n%s", tail(read(t, n.log.Name())))
		}
		_ = n.log.Close()
	})
	return n
}

// tail is the end of a long text.
func tail(text string) string { return text[max(0, len(text)-10_000):] }

// moment waits for a random time; half of them are short, so that starts, recoveries
// and handovers are met as well.
func (n *node) moment(longest time.Duration) {
	if n.random.IntN(2) == 0 {
		longest /= 8
	}
	time.Sleep(time.Duration(n.random.Int64N(int64(longest))))
}

func (n *node) spawn(cmd *exec.Cmd) *exec.Cmd {
	n.t.Helper()
	cmd.Stdout, cmd.Stderr = n.log, n.log
	require.NoError(n.t, cmd.Start())
	n.t.Cleanup(func() { n.kill(cmd) })
	return cmd
}

func (n *node) startAgent(args ...string) {
	n.t.Helper()
	var err error
	n.report, err = os.Create(filepath.Join(n.t.TempDir(), "report"))
	require.NoError(n.t, err)
	defer n.report.Close()
	n.agentProcess = n.command(append([]string{"--json"}, args...)...)
	n.agentProcess.Stdout, n.agentProcess.Stderr = n.report, n.log
	require.NoError(n.t, n.agentProcess.Start())
	agent := n.agentProcess
	n.t.Cleanup(func() { n.kill(agent) })
}

// startKeeper starts one where an agent has been: it serves no directory of its own making.
func (n *node) startKeeper() {
	n.t.Helper()
	require.NoError(n.t, os.MkdirAll(n.stateDir, 0o700))
	n.keeper = n.spawn(exec.Command(filepath.Join(n.build, "sluice"), "keep", "--state_dir="+n.stateDir))
}

// kill sends SIGKILL to all of the processes before it waits for any.
func (n *node) kill(processes ...*exec.Cmd) {
	for _, cmd := range processes {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
		}
	}
	for _, cmd := range processes {
		if cmd.ProcessState == nil {
			_ = cmd.Wait()
		}
	}
}

// startContainers starts the agent with tasks and waits until they run.
func (n *node) startContainers(count int) {
	n.t.Helper()
	n.startAgent(append([]string{"--containers=" + strconv.Itoa(count)}, writerTask(n.t, n.seed)...)...)
	n.until(func() bool {
		n.boxes = n.sandboxes()
		for _, box := range n.boxes {
			if _, err := os.Stat(filepath.Join(box, pidFile)); err != nil {
				return false
			}
		}
		return len(n.boxes) == count
	})
	n.t.Cleanup(n.endTasks)
}

// endTasks ends tasks that a test which failed has left.
func (n *node) endTasks() {
	for _, box := range n.boxes {
		if _, err := os.Stat(filepath.Join(box, writtenFile)); err == nil {
			continue
		}
		if pid, err := strconv.Atoi(read(n.t, filepath.Join(box, pidFile))); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// until waits for a condition that its own text tells.
func (n *node) until(condition func() bool) {
	n.t.Helper()
	kit.Wait(n.t, "", condition)
}

// openPipes is how many streams a process has the reading ends of.
func (n *node) openPipes(process *exec.Cmd) (count int) {
	fds := fmt.Sprintf("/proc/%d/fd", process.Process.Pid)
	entries, _ := os.ReadDir(fds)
	for _, entry := range entries {
		path, _ := os.Readlink(filepath.Join(fds, entry.Name()))
		if filepath.Dir(path) == n.stateDir && filepath.Ext(path) == ".fifo" {
			count++
		}
	}
	return count
}

// running says that a process has not ended, waited for or not.
func running(cmd *exec.Cmd) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid))
	return err == nil && !strings.Contains(string(status), ") Z ")
}

// finish tells the tasks to end once the last agent has the pipes open (a pipe that
// nobody has open keeps nothing), and waits for that agent.
func (n *node) finish() (r report) {
	n.t.Helper()
	n.until(func() bool {
		require.True(n.t, running(n.agentProcess), "the last agent did not start")
		return n.openPipes(n.agentProcess) == 2*len(n.boxes)
	})
	for _, box := range n.boxes {
		n.until(func() bool {
			return len(anyRotated(box, "stdout")) > 2 && len(anyRotated(box, "stderr")) > 2
		})
		require.NoError(n.t, os.WriteFile(filepath.Join(box, endFile), nil, 0o600))
	}
	require.NoError(n.t, n.agentProcess.Wait())
	if n.keeper != nil {
		require.NoError(n.t, n.keeper.Process.Signal(syscall.SIGTERM))
		require.NoError(n.t, n.keeper.Wait(), "the keeper ends with status 0 on SIGTERM")
	}
	require.NoError(n.t, json.Unmarshal([]byte(read(n.t, n.report.Name())), &r))
	return r
}

func anyRotated(box, stream string) []string {
	here, _ := filepath.Glob(filepath.Join(box, stream+"[.\\-][0-9]*"))
	old, _ := filepath.Glob(filepath.Join(box, "old", stream+"[.\\-][0-9]*"))
	return append(here, old...)
}

// requireAll compares every series of every container with what its task wrote.
func (n *node) requireAll() (files int, bytes, lines int64) {
	n.t.Helper()
	for _, box := range n.boxes {
		w := writtenBy(n.t, box)
		for stream, count := range map[string]int64{"stdout": w.Stdout, "stderr": w.Stderr} {
			want := newText(n.seed, stream).take(count)
			files += requireExactly(n.t, box, stream, killLimitBytes, want)
			lines += int64(strings.Count(string(want), "\n"))
		}
		bytes += w.Stdout + w.Stderr
	}
	n.requireStateEmpty()
	return files, bytes, lines
}
