package cgroup

import (
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What the kernel writes under systemd's layouts of version 1 and 2; the hybrid one is
// recorded on a machine without systemd, whose hierarchies are mounted by hand.
const (
	groupsV1 = `12:pids:/system.slice/mesos-agent.service
11:cpu,cpuacct:/system.slice/mesos-agent.service
10:cpuset:/
1:name=systemd:/system.slice/mesos-agent.service
`
	mountsV1 = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
30 25 0:26 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:9 - tmpfs tmpfs ro,mode=755
31 30 0:27 / /sys/fs/cgroup/systemd rw,nosuid,nodev,noexec,relatime shared:10 - cgroup cgroup rw,xattr,name=systemd
32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid,nodev,noexec,relatime shared:11 - cgroup cgroup rw,cpu,cpuacct
33 30 0:29 / /sys/fs/cgroup/pids rw,nosuid,nodev,noexec,relatime shared:12 - cgroup cgroup rw,pids
`
	groupsHybrid = `9:name=systemd:/
8:pids:/
4:memory:/agent
2:cpuacct:/
1:cpu:/
0::/
`
	mountsHybrid = `30 22 0:27 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
31 30 0:28 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
34 30 0:31 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
38 30 0:35 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
39 30 0:36 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
40 30 0:37 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`
	groupsV2 = "0::/system.slice/mesos-agent.service\n"
	mountsV2 = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
30 25 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot
`
)

func TestGroups(t *testing.T) {
	const agent = "/system.slice/mesos-agent.service"
	for _, c := range []struct {
		name, text, hierarchy string
		want                  []Group
	}{
		{"version 1", groupsV1, Pids, []Group{{Pids, agent}}},
		{"a controller that shares its hierarchy", groupsV1, "cpuacct", []Group{{"cpuacct", agent}}},
		{"hybrid", groupsHybrid, Systemd, []Group{{Systemd, "/"}, {Unified, "/"}}},
		{"hybrid, by a controller", groupsHybrid, "memory", []Group{{"memory", "/agent"}, {Unified, "/"}}},
		{"version 2", groupsV2, Systemd, []Group{{Unified, agent}}},
		{"version 2 alone is asked for", groupsHybrid, Unified, []Group{{Unified, "/"}}},
		{"a colon in a path", "1:name=systemd:/a:b\n", Systemd, []Group{{Systemd, "/a:b"}}},
		{"outside of the namespace's root", "0::/../agent\n", Pids, []Group{{Unified, "/../agent"}}},
		{"torn", "1:name=systemd\n", Systemd, nil},
		{"nothing", "", Systemd, nil},
	} {
		assert.Equal(t, c.want, Groups(c.text, c.hierarchy), c.name)
	}
}

func TestMounts(t *testing.T) {
	for _, c := range []struct {
		name      string
		mounts    Mounts
		hierarchy string
		want      string
	}{
		{"version 1", mountsV1, Pids, "/sys/fs/cgroup/pids"},
		{"a controller that shares its hierarchy", mountsV1, "cpuacct", "/sys/fs/cgroup/cpu,cpuacct"},
		{"by name", mountsV1, Systemd, "/sys/fs/cgroup/systemd"},
		{"version 1 has no unified one", mountsV1, Unified, ""},
		{"hybrid", mountsHybrid, Unified, "/sys/fs/cgroup/unified"},
		{"hybrid, by name", mountsHybrid, Systemd, "/sys/fs/cgroup/systemd"},
		{"version 2", mountsV2, Unified, "/sys/fs/cgroup"},
		{"version 2 has no others", mountsV2, Pids, ""},
		{"torn", "30 25 0:26 / /sys/fs/cgroup rw - cgroup2\n", Unified, ""},
		{"nothing", "", Unified, ""},
	} {
		at, found := c.mounts.Of(c.hierarchy)
		assert.Equal(t, c.want != "", found, c.name)
		assert.Equal(t, c.want, at.Point, c.name)
	}
	part, found := Mounts("40 30 0:27 /docker/x /sys/fs/cgroup rw shared:9 master:3 - cgroup2 cgroup rw\n").Of(Unified)
	assert.True(t, found)
	assert.Equal(t, Mount{Root: "/docker/x", Point: "/sys/fs/cgroup"}, part, "of a part of the hierarchy")
}

func TestOf(t *testing.T) {
	own, err := Of(Self, Systemd)
	require.NoError(t, err)
	byID, err := Of(os.Getpid(), Systemd)
	require.NoError(t, err)
	assert.Equal(t, own, byID)
	_, err = Of(math.MaxInt32, Systemd)
	assert.ErrorContains(t, err, "read the control groups")
	_, err = OwnMounts()
	assert.NoError(t, err)
}
