// Package e2e drives the products as an agent and its operator do: build/sluice-harness
// loads the library by a modules JSON and starts tasks; the tests look at the
// sandboxes. Nothing of the core is linked in.
//
// A test that needs another user than root's, or a build, says so when it skips.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	library        = "libsluice_container_logger.so"
	replacedModule = "org_apache_mesos_LogrotateContainerLogger"
	ownModule      = "sluice_ContainerLogger"
)

// The harness leaves the limit on descriptors as it finds it, and many containers
// need many; a limit that was set is what children of a Go program inherit.
func TestMain(m *testing.M) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err == nil {
		limit.Cur = limit.Max
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	}
	os.Exit(m.Run())
}

// build is the directory of the products: SLUICE_BUILD, which has to have them, or
// the default one if it does.
func build(t *testing.T) string {
	t.Helper()
	dir, demanded := os.LookupEnv("SLUICE_BUILD")
	if !demanded {
		dir = "../../build"
	}
	dir, err := filepath.Abs(dir)
	require.NoError(t, err)
	for _, product := range []string{"sluice-harness", library} {
		if _, err := os.Stat(filepath.Join(dir, product)); err != nil && !demanded {
			t.Skipf("%s is missing: run make build first", filepath.Join(dir, product))
		} else {
			require.NoError(t, err)
		}
	}
	return dir
}

// needRoot skips where tasks cannot run as another user.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("missing privilege: only root can start tasks as another user")
	}
}

// agent is a work directory and a state directory, in which the harness can be run
// any number of times.
type agent struct {
	t        *testing.T
	build    string
	workDir  string
	stateDir string
	module   string
	// modules replaces the modules JSON that is made from params.
	modules string
	params  []parameter
	running *background // of hold
}

type parameter struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// busyDisk is how long a launch waits for the disk here: however busy the machine is.
const busyDisk = "10mins"

// newAgent makes the directories where every user can reach the sandboxes.
func newAgent(t *testing.T, params ...parameter) *agent {
	t.Helper()
	root, err := os.MkdirTemp("", "sluice-e2e-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	require.NoError(t, os.Chmod(root, 0o755))
	a := &agent{
		t:        t,
		build:    build(t),
		workDir:  filepath.Join(root, "work"),
		stateDir: filepath.Join(root, "state"),
		module:   replacedModule,
	}
	a.params = slices.Clone(params)
	for _, p := range []parameter{{"state_dir", a.stateDir}, {"prepare_timeout", busyDisk}} {
		if !slices.ContainsFunc(params, func(given parameter) bool { return given.Key == p.Key }) {
			a.params = append(a.params, p)
		}
	}
	return a
}

// library describes a library with one module, as the modules JSON has it.
func (a *agent) library(file, module string) map[string]any {
	return map[string]any{
		"file":    file,
		"modules": []any{map[string]any{"name": module, "parameters": a.params}},
	}
}

func (a *agent) modulesJSON() string {
	if a.modules != "" {
		return a.modules
	}
	return manifest(a.t, a.library(filepath.Join(a.build, library), a.module))
}

// manifest is a modules JSON of these libraries.
func manifest(t *testing.T, libraries ...map[string]any) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"libraries": libraries})
	require.NoError(t, err)
	return string(text)
}

// outcome is how a run of the harness ended.
type outcome struct {
	code int
	report
	stderr string
}

// report is what the harness says with --json, as far as tests look at it.
type report struct {
	Containers []struct {
		ID         string `json:"id"`
		Sandbox    string `json:"sandbox"`
		Error      string `json:"error"`
		ExitStatus int    `json:"exit_status"`
	} `json:"containers"`
	Descriptors struct {
		Before int `json:"before"`
		After  int `json:"after"`
	} `json:"descriptors"`
	Metrics map[string]float64 `json:"metrics"`
}

// sandboxes of all containers, in the order of their launch.
func (r report) sandboxes() []string {
	var dirs []string
	for _, container := range r.Containers {
		dirs = append(dirs, container.Sandbox)
	}
	return dirs
}

// failure is what the harness says of why it, or a container, could not start.
func (o outcome) failure() string {
	text := o.stderr
	for _, container := range o.Containers {
		text += container.Error
	}
	return text
}

// command is the harness's command line; `args` are its flags, --, and the task.
func (a *agent) command(args ...string) *exec.Cmd {
	all := append([]string{
		"--modules=" + a.modulesJSON(),
		"--container_logger=" + a.module,
		"--work_dir=" + a.workDir,
	}, args...)
	return exec.CommandContext(context.Background(), filepath.Join(a.build, "sluice-harness"), all...)
}

// run runs the harness to its end.
func (a *agent) run(args ...string) outcome {
	a.t.Helper()
	cmd := a.command(append([]string{"--json"}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) {
		require.NoError(a.t, err)
	}
	got := outcome{code: cmd.ProcessState.ExitCode(), stderr: stderr.String()}
	if stdout.Len() > 0 {
		require.NoError(a.t, json.Unmarshal(stdout.Bytes(), &got.report), "%s", stdout.String())
	}
	return got
}

// mustRun runs tasks that have to succeed.
func (a *agent) mustRun(args ...string) report {
	a.t.Helper()
	got := a.run(args...)
	require.Zero(a.t, got.code, "harness %q\n%s", args, got.failure())
	return got.report
}

// sandboxOf runs a task that has to succeed, and gives its sandbox.
func (a *agent) sandboxOf(args ...string) string {
	a.t.Helper()
	return a.mustRun(args...).sandboxes()[0]
}

// sandboxes lists the sandboxes in the work directory, but for nested ones.
func (a *agent) sandboxes() []string {
	a.t.Helper()
	dirs, err := filepath.Glob(filepath.Join(a.workDir, "slaves/*-S0/frameworks/*/executors/*/runs/*-*"))
	require.NoError(a.t, err)
	return dirs
}

// requireStateEmpty says that the streams have left nothing in the state directory.
func (a *agent) requireStateEmpty() {
	a.t.Helper()
	entries, err := os.ReadDir(a.stateDir)
	require.NoError(a.t, err)
	for _, entry := range entries {
		require.NotContains(a.t, []string{".fifo", ".record", ".new", ".aside"}, filepath.Ext(entry.Name()),
			"%s is left in the state directory", entry.Name())
	}
}

// env is a task variable as the harness takes it.
func env(name, value string) string { return "--task_env=CONTAINER_LOGGER_" + name + "=" + value }
