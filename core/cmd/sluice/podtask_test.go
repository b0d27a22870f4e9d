package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sluicepb "sluice/proto"
)

// A pod's tasks are known by the links that the default executor makes, and the executor by its
// own name, not by those of its containers.
func TestPodsAreKnownByTheirTasks(t *testing.T) {
	executor := box(t, map[string]string{
		"stdout": "executor\n", "containers/inner1/stdout": "one\n", "containers/inner2/stdout": "two\n",
	})
	for _, inner := range []string{"inner1", "inner2"} {
		conf := filepath.Join(executor, "containers", inner, "stdout.logrotate.conf")
		require.NoError(t, os.WriteFile(conf, []byte(shownConf("rotate 3")), 0o644))
	}
	require.NoError(t, os.Mkdir(filepath.Join(executor, "tasks"), 0o755))
	require.NoError(t, os.Symlink(filepath.Join(executor, "containers/inner1"), filepath.Join(executor, "tasks/web.one")))
	require.NoError(t, os.Symlink("/etc/inner2", filepath.Join(executor, "tasks/web.two"))) // it names, and is not followed
	outer := record(t, executor, "outer", "", "rotate 3")
	one := record(t, filepath.Join(executor, "containers/inner1"), "outer.inner1", "", "rotate 3")
	two := record(t, filepath.Join(executor, "containers/inner2"), "outer.inner2", "", "rotate 3")
	outer.ExecutorId, one.ExecutorId, two.ExecutorId = "default-executor", "default-executor", "default-executor"
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	require.NoError(t, err)
	for _, r := range []*sluicepb.StreamRecord{outer, one, two} {
		r.BootId = strings.TrimSpace(string(boot))
	}
	stateDir, owner := stateOf(t, outer, one, two)
	require.NoError(t, owner.Close())
	for name, want := range map[string]string{"web.one": "one\n", "web.t": "two\n", "default-executor": "executor\n", "default-e": "executor\n", "outer.inner2": "two\n"} {
		status, out, errOut := sluice("logs", "--state_dir="+stateDir, name)
		assert.Equal(t, want, out, name)
		assert.Zero(t, status, "%s: %s", name, errOut)
	}
	_, out, _ := sluice("status", "--state_dir="+stateDir)
	assert.Contains(t, out, "web.one")
	assert.Contains(t, out, "web.two")
	assert.Contains(t, out, "(default-executor)")
}
