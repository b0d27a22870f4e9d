package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/check"
)

// modulesFile writes a modules file with one parameter; its library has no path, which
// is not looked for.
func modulesFile(t *testing.T, key, value string) string {
	t.Helper()
	path := filepath.Join(openDir(t), "modules.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"libraries": [{"file": "libx.so", "modules": [{"name": "sluice_ContainerLogger",
  "parameters": [{"key": "`+key+`", "value": "`+value+`"}]}]}]}`), 0o644))
	return path
}

func TestCheckHelp(t *testing.T) {
	requireHelp(t, "check", "--container_logger", "--task_env", "--containers", "--user", "--work_dir", "--json")
}

func TestCheckOfAFile(t *testing.T) {
	path := modulesFile(t, "max_stdout_size", "20MB")
	code, out, errOut := sluice("check", path, "--containers", "10", "--task_env", "CONTAINER_LOGGER_MAX_STDERR_SIZE=1MB")
	require.Zero(t, code, errOut)
	assert.Contains(t, out, "is rotated before the file passes 20MB (parameter max_stdout_size)")
	assert.Contains(t, out, "is rotated before the file passes 1MB (task variable CONTAINER_LOGGER_MAX_STDERR_SIZE)")
	assert.Contains(t, out, "10 containers 447.5MB")

	bad := modulesFile(t, "max_stdout_size", "20")
	code, out, errOut = sluice("check", bad)
	assert.Equal(t, 1, code)
	assert.Contains(t, out, bad+`:2:54: error: parameter max_stdout_size: "20" has no unit`)
	assert.Contains(t, errOut, "the agent would refuse "+bad)

	code, out, _ = sluice("check", "--json", bad)
	assert.Equal(t, 1, code)
	var report check.Report
	require.NoError(t, json.Unmarshal([]byte(out), &report))
	assert.Equal(t, 1, report.Errors())
}

func TestCheckRefuses(t *testing.T) {
	path := modulesFile(t, "max_stdout_size", "20MB")
	for _, c := range []struct {
		name, message string
		code          int
		args          []string
	}{
		{"no file", "MODULES.json is missing", 2, nil},
		{"a variable", "--task_env=x: expected NAME=VALUE", 2, []string{path, "--task_env", "x"}},
		{"a number", "--containers=-1: expected a number of containers", 2, []string{path, "--containers", "-1"}},
		{"a flag", "has no flag --taskenv", 2, []string{path, "--taskenv", "x"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, _, errOut := sluice(append([]string{"check"}, c.args...)...)
			assert.Equal(t, c.code, code)
			assert.Contains(t, errOut, c.message)
		})
	}
	t.Run("no permission", func(t *testing.T) {
		require.NoError(t, os.Chmod(path, 0o600))
		cmd := asNobody(t, process("check", path))
		cmd.Dir, cmd.Path = "/", copyOfSelf(t)
		out, err := cmd.CombinedOutput()
		require.Error(t, err)
		assert.Contains(t, string(out), "error: read the modules file: open "+path+": permission denied")
	})
	t.Run("a closed pipe", func(t *testing.T) {
		reader, writer, err := os.Pipe()
		require.NoError(t, err)
		cmd := process("check", path)
		cmd.Stdout = writer
		require.NoError(t, reader.Close())
		require.NoError(t, cmd.Start())
		require.NoError(t, writer.Close())
		require.Error(t, cmd.Wait())
		status := cmd.ProcessState.Sys().(syscall.WaitStatus)
		assert.True(t, status.Signaled() && status.Signal() == unix.SIGPIPE, "%v", status)
	})
}
