package keeper

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/cgroup"
)

const mounts = `22 1 8:1 / / rw - ext4 /dev/sda1 rw
30 22 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
31 22 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
32 22 0:28 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
`

func TestOutside(t *testing.T) {
	for _, c := range []struct {
		name, groups string
		want         []hierarchy
	}{
		{"both", "5:pids:/a.service\n1:name=systemd:/system.slice/a.service\n0::/system.slice/a.service\n", []hierarchy{
			{"/system.slice/a.service", cgroup.Mount{Root: "/", Point: "/sys/fs/cgroup/systemd"}},
			{"/system.slice/a.service", cgroup.Mount{Root: "/", Point: "/sys/fs/cgroup/unified"}},
		}},
		{"at the root", "1:name=systemd:/\n0::/\n", nil},
		{"torn", "1:name=systemd\n", nil},
	} {
		assert.Equal(t, c.want, outside(cgroup.Groups(c.groups, cgroup.Systemd), mounts), c.name)
	}
	assert.Empty(t, outside(cgroup.Groups("0::/a.service\n", cgroup.Systemd), "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"), "no such mount")
}

// A process leaves its group for one below the executors' slice, where that is.
func TestLeave(t *testing.T) {
	own, err := cgroup.OwnMounts()
	require.NoError(t, err)
	at, found := own.Of(cgroup.Unified)
	if !found {
		t.Skip("missing: a mount of cgroup2")
	}
	point := filepath.Join(at.Point, "sluice-test-leave")
	if err := os.Mkdir(point, 0o755); err != nil {
		t.Skipf("missing privilege: make a cgroup: %v", err)
	}
	sleeper := exec.Command("sleep", "600")
	require.NoError(t, sleeper.Start())
	t.Cleanup(func() {
		_ = sleeper.Process.Kill()
		_ = sleeper.Wait()
		for _, group := range []string{"mesos_executors.slice/sluice-keeper", "mesos_executors.slice", "sluice-keeper", ""} {
			_ = os.Remove(filepath.Join(point, group))
		}
	})
	in := func() string {
		text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(sleeper.Process.Pid), "cgroup"))
		require.NoError(t, err)
		_, group, _ := strings.Cut(string(text), "sluice-test-leave")
		group, _, _ = strings.Cut(group, "\n")
		return group
	}
	inside := hierarchy{"/agent.service", cgroup.Mount{Root: "/", Point: point}}
	require.NoError(t, inside.leave(sleeper.Process.Pid))
	assert.Equal(t, "/sluice-keeper", in())
	require.NoError(t, os.Mkdir(filepath.Join(point, executorsSlice), 0o755))
	require.NoError(t, inside.leave(sleeper.Process.Pid))
	assert.Equal(t, "/mesos_executors.slice/sluice-keeper", in())
	inside.Point = filepath.Join(t.TempDir(), "none")
	assert.Error(t, inside.leave(sleeper.Process.Pid))
}
