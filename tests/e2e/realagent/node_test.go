package realagent

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/mesos/mesos-go/api/v1/lib/agent/calls"
	"github.com/stretchr/testify/require"
)

const replacedModule = "org_apache_mesos_LogrotateContainerLogger"

type parameter struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// node is a master, and an agent that can be killed and started again on the same
// directories.
type node struct {
	t *testing.T
	programs
	dir        string
	masterPort int
	agentPort  int
	params     []parameter
	agent      *process
	task       *process // of launchParent
	calls      calls.Sender
}

// newNode starts the master only.
func newNode(t *testing.T, params ...parameter) *node {
	t.Helper()
	p := findPrograms(t)
	dir, err := os.MkdirTemp("", "sluice-agent-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	n := &node{t: t, programs: p, dir: dir, masterPort: freePort(t), agentPort: freePort(t)}
	// A launch waits for the disk however busy the machine is.
	n.params = append(params, parameter{"state_dir", n.stateDir()}, parameter{"prepare_timeout", "10mins"})
	n.calls = newSender(n.agentPort)
	require.NoError(t, os.MkdirAll(n.sandboxes(), 0o755))
	start(t, filepath.Join(dir, "master.log"), p.master,
		"--ip=127.0.0.1", "--hostname=localhost", "--port="+strconv.Itoa(n.masterPort),
		"--work_dir="+filepath.Join(dir, "master"), "--registry=in_memory")
	t.Cleanup(n.killContainers)
	return n
}

func (n *node) stateDir() string { return filepath.Join(n.dir, "state") }
func (n *node) workDir() string  { return filepath.Join(n.dir, "work") }
func (n *node) runDir() string   { return filepath.Join(n.dir, "run") }

// sandboxes is where the agent puts the sandboxes of standalone containers.
func (n *node) sandboxes() string { return filepath.Join(n.workDir(), "containers") }

// modules is the modules JSON.
func (n *node) modules() string {
	text, err := json.Marshal(map[string]any{"libraries": []any{map[string]any{
		"file":    n.library,
		"modules": []any{map[string]any{"name": replacedModule, "parameters": n.params}},
	}}})
	require.NoError(n.t, err)
	return string(text)
}

// launchAgent starts the agent with --modules as it is given, and waits for nothing.
//
// The agent shows the sandboxes of executors in its files API, but not those of
// standalone containers. --external_log_file puts any path there, under logAlias.
func (n *node) launchAgent(modules string) {
	n.t.Helper()
	args := []string{
		"--master=127.0.0.1:" + strconv.Itoa(n.masterPort), "--ip=127.0.0.1", "--hostname=localhost",
		"--port=" + strconv.Itoa(n.agentPort), "--work_dir=" + n.workDir(), "--runtime_dir=" + n.runDir(),
		"--launcher=posix", "--isolation=posix/cpu,posix/mem", "--no-systemd_enable_support",
		"--resources=cpus:2;mem:1024;disk:1024;ports:[31000-32000]",
		"--external_log_file=" + n.sandboxes(),
		"--modules=" + modules, "--container_logger=" + replacedModule,
	}
	if n.launcherDir != "" {
		args = append(args, "--launcher_dir="+n.launcherDir)
	}
	if n.sessionsAsked {
		args = append(args, "--agent_subsystems="+sessionsSubsystem)
	}
	n.agent = start(n.t, filepath.Join(n.dir, "agent.log"), n.programs.agent, args...)
}

// startAgent starts the agent with a modules file and waits until the master has it.
func (n *node) startAgent() {
	n.t.Helper()
	file := filepath.Join(n.dir, "modules.json")
	require.NoError(n.t, os.WriteFile(file, []byte(n.modules()), 0o600))
	n.launchAgent("file://" + file)
	n.awaitAgent()
}

func (n *node) awaitAgent() {
	n.t.Helper()
	n.agent.until("it is registered", func() bool {
		metrics, err := getMetrics(n.calls)
		return err == nil && metrics["slave/registered"] == 1
	})
}

// killContainers ends what a test has left, by the process ids that the agent keeps:
// every container leads a session of its own.
func (n *node) killContainers() {
	_ = filepath.WalkDir(filepath.Join(n.runDir(), "containers"), func(path string, _ os.DirEntry, err error) error {
		if filepath.Base(path) == "pid" {
			text, _ := os.ReadFile(path)
			if pid, _ := strconv.Atoi(strings.TrimSpace(string(text))); pid > 1 {
				_ = syscall.Kill(-pid, syscall.SIGKILL)
			}
		}
		return err
	})
}

// requireStateEmpty says that the streams have left nothing in the state directory.
func (n *node) requireStateEmpty() {
	n.t.Helper()
	for _, ending := range []string{".fifo", ".record", ".new", ".aside"} {
		left, err := filepath.Glob(filepath.Join(n.stateDir(), "*"+ending))
		require.NoError(n.t, err)
		require.Empty(n.t, left, "left in the state directory")
	}
}

func endpoint(port int) string { return fmt.Sprintf("http://127.0.0.1:%d/api/v1", port) }
