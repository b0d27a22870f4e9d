// Package hostile attacks the logger as the owner of a sandbox can. Each attacker is
// a process in a sandbox, started by build/sluice-harness as an ordinary user (or as
// root, whose files are then the prize); the logger runs as root. The proof is in
// bytes, owners and names: what only root may write is as it was, what only root may
// read is nowhere in the sandbox, the series keeps its bounds, and the other stream
// of the same container has arrived whole.
//
// HOSTILE_ROUNDS is the number of rotations that a swap attack runs against, 50 by
// default; HOSTILE_SEED repeats a run. With MESOS_LOGROTATE_LOGGER the same attacks
// run against that program.
package hostile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	library = "libsluice_container_logger.so"
	module  = "org_apache_mesos_LogrotateContainerLogger"
)

// The test binary is the attackers too.
func TestMain(m *testing.M) {
	if name := os.Getenv(attackVariable); name != "" {
		os.Exit(perform(name))
	}
	os.Exit(m.Run())
}

// fromEnvironment reads a number that a run can be given.
func fromEnvironment(t *testing.T, name string, fallback uint64) string {
	t.Helper()
	text, given := os.LookupEnv(name)
	if !given {
		return strconv.FormatUint(fallback, 10)
	}
	_, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, name)
	return text
}

func rounds(t *testing.T) string { return fromEnvironment(t, roundsVariable, 50) }

func seed(t *testing.T) string {
	t.Helper()
	text := fromEnvironment(t, seedVariable, rand.Uint64())
	t.Logf("%s=%s %s=%s", seedVariable, text, roundsVariable, rounds(t))
	return text
}

// openDirectory makes a directory that every user can pass.
func openDirectory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sluice-hostile-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}

// attacker is the test binary where every user can run it.
func attacker(t *testing.T, dir string) string {
	t.Helper()
	own, err := os.Executable()
	require.NoError(t, err)
	content, err := os.ReadFile(own)
	require.NoError(t, err)
	path := filepath.Join(dir, "attacker")
	require.NoError(t, os.WriteFile(path, content, 0o755))
	return path
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("missing privilege: only root can start tasks as another user")
	}
}

// agent is the harness with work and state directories of its own.
type agent struct {
	build, workDir, stateDir string
	params                   []parameter
}

type parameter struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func newAgent(t *testing.T, params ...parameter) *agent {
	t.Helper()
	needRoot(t)
	build, demanded := os.LookupEnv("SLUICE_BUILD")
	if !demanded {
		build = "../../../build"
	}
	build, err := filepath.Abs(build)
	require.NoError(t, err)
	if _, err := os.Stat(filepath.Join(build, library)); err != nil && !demanded {
		t.Skipf("%s is missing: run make build first", filepath.Join(build, library))
	}
	dir := openDirectory(t)
	a := &agent{build: build, workDir: filepath.Join(dir, "work"), stateDir: filepath.Join(dir, "state")}
	// A launch waits for the disk however busy the machine is.
	a.params = append(slices.Clone(params), parameter{"state_dir", a.stateDir}, parameter{"prepare_timeout", "10mins"})
	return a
}

// outcome is how a run of the harness ended.
type outcome struct {
	code   int
	stderr string

	Containers []struct {
		Sandbox    string `json:"sandbox"`
		Error      string `json:"error"`
		ExitStatus int    `json:"exit_status"`
	} `json:"containers"`
	Metrics map[string]float64 `json:"metrics"`
}

// command is the harness with its modules and these flags, --, and the task.
func (a *agent) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	manifest, err := json.Marshal(map[string]any{"libraries": []any{map[string]any{
		"file":    filepath.Join(a.build, library),
		"modules": []any{map[string]any{"name": module, "parameters": a.params}},
	}}})
	require.NoError(t, err)
	return exec.CommandContext(context.Background(), filepath.Join(a.build, "sluice-harness"), append([]string{
		"--json", "--modules=" + string(manifest), "--container_logger=" + module, "--work_dir=" + a.workDir,
	}, args...)...)
}

func (a *agent) run(t *testing.T, args ...string) outcome {
	t.Helper()
	cmd := a.command(t, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	got := outcome{code: cmd.ProcessState.ExitCode(), stderr: stderr.String()}
	if stdout.Len() > 0 {
		require.NoError(t, json.Unmarshal(stdout.Bytes(), &got), "%s", stdout.String())
	}
	return got
}

// environment tells an attacker what to do.
func environment(t *testing.T, a attack, p *proof, stateDir string) []string {
	t.Helper()
	return []string{
		attackVariable + "=" + a.name, targetVariable + "=" + p.dir, stateVariable + "=" + stateDir,
		roundsVariable + "=" + rounds(t), seedVariable + "=" + seed(t),
	}
}

func TestAttacks(t *testing.T) {
	for _, attack := range attacks() {
		for _, user := range attack.as {
			t.Run(attack.name+" as "+user, func(t *testing.T) {
				a := newAgent(t, parameter{"max_stdout_size", strconv.Itoa(limitBytes) + "B"},
					parameter{"max_stderr_size", "1GB"}, parameter{"logrotate_stdout_options", attack.options})
				p := newProof(t)
				args := []string{"--user=" + user, "--containers=2"}
				for _, variable := range environment(t, attack, p, a.stateDir) {
					args = append(args, "--task_env="+variable)
				}
				got := a.run(t, append(args, "--", attacker(t, p.dir))...)
				p.requireDone(t, got)
				t.Logf("%.0f rotations, %.0f impostors, %.0f bytes dropped", got.Metrics["sluice/rotations"],
					got.Metrics["sluice/impostors"], got.Metrics["sluice/bytes_dropped"])
				if !attack.stops {
					require.Zero(t, got.Metrics["sluice/bytes_dropped"], got.stderr)
				}
				p.requireUntouched(t)
				p.requireNoSecret(t)
				p.requireHonestStream(t)
				p.requireBounded(t, attack, user)
				require.GreaterOrEqual(t, int(got.Metrics["sluice/impostors"]), attack.impostors)
				if attack.check != nil {
					attack.check(t, *p)
				}
			})
		}
	}
}
