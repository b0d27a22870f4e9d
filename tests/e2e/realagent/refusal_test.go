package realagent

import (
	"os"
	"path/filepath"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/tests/kit"
)

func exists(path ...string) bool {
	_, err := os.Stat(filepath.Join(path...))
	return err == nil
}

func touch(t *testing.T, path ...string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(path...), nil, 0o600))
}

// eventually waits for a condition that its own text tells.
func eventually(condition func() bool) { kit.Until(condition) }

// A bad parameter stops the agent, which says which one.
func TestAgentStopsOnBadParameters(t *testing.T) {
	findPrograms(t)
	tests := []struct{ name, key, value, want string }{
		{"unknown", "max_stdout", "1MB", `parameter "max_stdout": there is no such parameter; the nearest is max_stdout_size`},
		{"no unit", "max_stdout_size", "10", `parameter max_stdout_size: "10" has no unit`},
		{"options", "logrotate_stderr_options", "rotate many", `parameter logrotate_stderr_options: line 1, column 8: "many"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := newNode(t, parameter{tt.key, tt.value})
			n.launchAgent(n.modules())
			<-n.agent.ended
			assert.NotZero(t, n.agent.cmd.ProcessState.ExitCode())
			assert.Contains(t, n.agent.log(), tt.want)
		})
	}
}

// A bad variable fails that launch, with the reason in the answer; the agent goes on.
func TestLaunchRefusesBadVariables(t *testing.T) {
	n := newNode(t)
	n.startAgent()
	tests := []struct{ name, variable, value, want string }{
		{
			"unknown", "MAX_STDOUT", "1MB",
			"task variable CONTAINER_LOGGER_MAX_STDOUT: there is no such variable; the nearest is CONTAINER_LOGGER_MAX_STDOUT_SIZE",
		},
		{
			"the operator's", "STATE_DIR", "/tmp",
			"task variable CONTAINER_LOGGER_STATE_DIR: only the operator can set state_dir, as a module parameter",
		},
		{"no unit", "MAX_STDOUT_SIZE", "10", `task variable CONTAINER_LOGGER_MAX_STDOUT_SIZE: "10" has no unit`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id := mesos.ContainerID{Value: filepath.Base(t.Name())}
			err := launch(n.calls, id, shell("touch started", map[string]string{tt.variable: tt.value}))
			require.ErrorContains(t, err, tt.want)
			assert.False(t, exists(n.sandboxes(), id.Value, "started"), "the task was started")
		})
	}
	id := mesos.ContainerID{Value: "good"}
	require.NoError(t, launch(n.calls, id, shell("echo good", nil)))
	n.mustWait(id)
	n.requireAccounted()
	n.requireSeries(sandbox(id), "stdout", 10<<20, []byte("good\n"))
	n.requireStateEmpty()
}
