package check

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLimitsOfTheAgent runs something that has an agent's name.
func TestLimitsOfTheAgent(t *testing.T) {
	if pid, _ := findAgent("/proc"); pid != 0 {
		t.Skip("missing: a machine without an agent, whose limits would be told")
	}
	sleep, err := exec.LookPath("sleep")
	require.NoError(t, err)
	agent := filepath.Join(t.TempDir(), "mesos-agent")
	data, err := os.ReadFile(sleep)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(agent, data, 0o755))

	warnings := func(files string, containers int) string {
		cmd := exec.Command("prlimit", "--nofile="+files, agent, "600")
		require.NoError(t, cmd.Start())
		defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
		for pid := 0; pid == 0; pid, _ = findAgent("/proc") { // until prlimit has become the program
		}
		r := &Report{}
		r.limitsOfAgent(containers)
		return strings.Join(texts(r, Warning), "\n")
	}
	assert.Contains(t, warnings("1024:1024", 0), "(mesos-agent): the limit of open files (RLIMIT_NOFILE) is 1024, of which ")
	// A program that has just begun has a library or two open.
	assert.Regexp(t, `that is room for 8[45] containers, expected 200; raise it \(LimitNOFILE= of its unit\)`, warnings("1024:1024", 0))
	assert.NotContains(t, warnings("1024:1024", 80), "RLIMIT_NOFILE")
	assert.NotContains(t, warnings("4096:4096", 0), "RLIMIT_NOFILE")
	assert.Contains(t, warnings("4096:4096", 1000), "expected 1000")
}
