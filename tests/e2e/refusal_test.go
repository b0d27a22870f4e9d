package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A bad parameter stops the agent, and its log says why.
func TestAgentRefusesBadParameters(t *testing.T) {
	const size = "; expected a whole number and B, KB, MB, GB or TB, such as 10MB"
	tests := []struct {
		name   string
		params []parameter
		want   string
	}{
		{
			"unknown",
			[]parameter{{"max_stdot_size", "10MB"}},
			`parameter "max_stdot_size": there is no such parameter; the nearest is max_stdout_size`,
		},
		{"no unit", []parameter{{"max_stdout_size", "10"}}, `parameter max_stdout_size: "10" has no unit` + size},
		{"fraction", []parameter{{"max_stdout_size", "1.5MB"}}, `parameter max_stdout_size: "1.5MB" is not a whole number` + size},
		{"negative", []parameter{{"max_stdout_size", "-1MB"}}, `parameter max_stdout_size: "-1MB" is negative` + size},
		{"unit", []parameter{{"max_stdout_size", "12XB"}}, `parameter max_stdout_size: "12XB" has the unknown unit "XB"` + size},
		{
			"under a page",
			[]parameter{{"max_stdout_size", "1KB"}},
			`parameter max_stdout_size: "1KB" is too small; expected at least one page, 4096 bytes`,
		},
		{
			"overflow",
			[]parameter{{"max_stdout_size", "99999999999TB"}},
			`parameter max_stdout_size: "99999999999TB" is too large` + size,
		},
		{"empty", []parameter{{"max_stdout_size", ""}}, `parameter max_stdout_size: "" is empty` + size},
		{
			"duplicate",
			[]parameter{{"max_stdout_size", "1MB"}, {"max_stdout_size", "2MB"}},
			"parameter max_stdout_size: is given twice; expected it once",
		},
		{
			"options",
			[]parameter{{"logrotate_stdout_options", "compress\nrotate many"}},
			`parameter logrotate_stdout_options: line 2, column 8: "many": bad value of rotate; ` +
				"expected a whole number of files to keep, 0 for none, -1 for all",
		},
		{
			"owner",
			[]parameter{{"logrotate_stderr_options", "create 0640 nobody no-such-group"}},
			`parameter logrotate_stderr_options: line 1, column 20: "no-such-group": unknown group; ` +
				"expected a group of this machine, by name or number",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newAgent(t, tt.params...)
			got := a.run("--", "true")
			assert.NotZero(t, got.code)
			assert.Contains(t, got.failure(), tt.want)
			assert.Empty(t, a.sandboxes(), "no task was started")
		})
	}
}

// A bad variable fails that launch.
func TestLaunchRefusesBadVariables(t *testing.T) {
	const size = "; expected a whole number and B, KB, MB, GB or TB, such as 10MB"
	tests := []struct{ name, variable, value, want string }{
		{
			"unknown", "MAX_STDOUT", "1MB",
			"task variable CONTAINER_LOGGER_MAX_STDOUT: there is no such variable; the nearest is CONTAINER_LOGGER_MAX_STDOUT_SIZE",
		},
		{
			"the operator's", "STATE_DIR", "/tmp",
			"task variable CONTAINER_LOGGER_STATE_DIR: only the operator can set state_dir, as a module parameter",
		},
		{"no unit", "MAX_STDOUT_SIZE", "10", `task variable CONTAINER_LOGGER_MAX_STDOUT_SIZE: "10" has no unit` + size},
		{"empty", "MAX_STDERR_SIZE", "", `task variable CONTAINER_LOGGER_MAX_STDERR_SIZE: "" is empty` + size},
		{
			"options", "LOGROTATE_STDERR_OPTIONS", "rotate 4\n}",
			`task variable CONTAINER_LOGGER_LOGROTATE_STDERR_OPTIONS: line 2, column 1: "}"`,
		},
		{
			"script", "LOGROTATE_STDOUT_OPTIONS", "postrotate\ntrue\nendscript",
			`task variable CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS: line 1, column 1: "postrotate": a script runs commands on the agent`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newAgent(t)
			got := a.run(env(tt.variable, tt.value), "--", "sh", "-c", "echo started")
			assert.NotZero(t, got.code)
			assert.Contains(t, got.failure(), tt.want)
			for _, sandbox := range a.sandboxes() {
				assert.NoFileExists(t, filepath.Join(sandbox, "stdout"), "the task was not started")
			}
			a.requireStateEmpty()
		})
	}
}

func TestStateDirectoryThatCannotBeUsed(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(t *testing.T, path string)
		want  string
	}{
		{"a file", func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, nil, 0o600))
		}, "expected a directory"},
		{"a link", func(t *testing.T, path string) {
			require.NoError(t, os.Symlink(t.TempDir(), path))
		}, "expected a directory that is no link"},
		{"somebody else's", func(t *testing.T, path string) {
			needRoot(t)
			require.NoError(t, os.Mkdir(path, 0o700))
			require.NoError(t, os.Chown(path, 65534, 65534))
		}, "belongs to user 65534, expected 0, the user of this process"},
		{"open to others", func(t *testing.T, path string) {
			require.NoError(t, os.Mkdir(path, 0o700))
			require.NoError(t, os.Chmod(path, 0o777))
		}, "has mode 0777, expected 0700: others can write there"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newAgent(t)
			tt.spoil(t, a.stateDir)
			got := a.run("--", "true")
			assert.NotZero(t, got.code)
			assert.Contains(t, got.failure(), tt.want)
			assert.Contains(t, got.failure(), strconv.Quote(a.stateDir))
		})
	}
}

func TestStateDirectoryOfALiveProcess(t *testing.T) {
	a := newAgent(t)
	owner := a.start("--", "sh", "-c", tellPID+"exec sleep 1000")
	a.awaitTasks(owner, 1)

	other := newAgent(t, parameter{"state_dir", a.stateDir})
	got := other.run("--", "true")
	assert.NotZero(t, got.code)
	assert.Contains(t, got.failure(), strconv.Quote(a.stateDir)+" is locked by process "+strconv.Itoa(owner.cmd.Process.Pid))
}

func TestModulesThatCannotBeLoaded(t *testing.T) {
	a := newAgent(t)
	file := filepath.Join(a.build, library)
	text := filepath.Join(a.workDir+"-text", "lib.so")
	require.NoError(t, os.MkdirAll(filepath.Dir(text), 0o755))
	require.NoError(t, os.WriteFile(text, []byte("no library"), 0o600))
	tests := []struct{ name, modules string }{
		{"no JSON", "{"},
		{"unknown field", `{"libraries": [], "librarys": []}`},
		{"no such file", manifest(t, a.library("/nonexistent/lib.so", replacedModule))},
		{"no library", manifest(t, a.library(text, replacedModule))},
		{"no such module", manifest(t, a.library(file, "org_apache_mesos_Another"))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a.modules = tt.modules
			got := a.run("--", "true")
			assert.NotZero(t, got.code)
			assert.NotEmpty(t, got.failure())
			assert.NotContains(t, got.failure(), "SIGSEGV")
		})
	}
}

// Nothing of Go can be seen by the agent's other libraries.
func TestExportedSymbols(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "nm", "--dynamic", "--defined-only", filepath.Join(build(t), library)).Output()
	require.NoError(t, err)
	var strong []string
	for line := range strings.Lines(string(out)) {
		// address, type, name; W, V and u are weak or unique symbols of C++.
		fields := strings.Fields(line)
		if len(fields) == 3 && !slices.Contains([]string{"W", "V", "u"}, fields[1]) {
			strong = append(strong, fields[2])
		}
	}
	assert.ElementsMatch(t, []string{replacedModule, ownModule}, strong)
	assert.NotContains(t, string(out), "_cgo")
	assert.NotContains(t, string(out), "runtime.")
}
