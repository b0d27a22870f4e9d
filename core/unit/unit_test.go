package unit

import (
	"log/slog"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/cgroup"
)

func TestInGroups(t *testing.T) {
	for _, c := range []struct{ name, groups, want string }{
		{"version 2", "0::/system.slice/mesos-agent.service\n", "mesos-agent.service"},
		{"version 1", "9:pids:/x.service\n1:name=systemd:/system.slice/mesos-slave.service\n", "mesos-slave.service"},
		{"delegated", "0::/system.slice/mesos-agent.service/agent\n", "mesos-agent.service"},
		{"none", "0::/user.slice/user-0.slice/session-1.scope\n", ""},
		{"root", "0::/\n", ""},
		{"torn", "0::\nx\n", ""},
	} {
		assert.Equal(t, c.want, inGroups(cgroup.Groups(c.groups, cgroup.Systemd)), c.name)
	}
	assert.Empty(t, Of(1<<30), "no such process")
}

func TestMissing(t *testing.T) {
	full := "LoadState=loaded\nFileDescriptorStoreMax=4096\nNotifyAccess=main\nKillMode=process\nTasksMax=infinity\nLimitNOFILESoft=65536\n"
	assert.Empty(t, parse(full).Missing(200))
	assert.Empty(t, parse("").Missing(200), "what is not told is not missed")
	for _, c := range []struct {
		line, says string
		containers int
	}{
		{"FileDescriptorStoreMax=0", "FileDescriptorStoreMax=0, expected 400: what a container has in its pipes", 200},
		{"FileDescriptorStoreMax=4096", "FileDescriptorStoreMax=4096, expected 10000", 5000},
		{"NotifyAccess=none", "NotifyAccess=none, expected main", 200},
		{"KillMode=control-group", "KillMode=control-group, expected process: a restart of the agent ends its executors", 200},
		{"KillMode=mixed", "KillMode=mixed, expected process", 200},
		{"TasksMax=512", "TasksMax=512, expected 860", 200},
		{"LimitNOFILESoft=1024", "LimitNOFILE=1024, expected 2056", 200},
	} {
		missing := parse(full + c.line).Missing(c.containers)
		require.Len(t, missing, 1, c.line)
		assert.Contains(t, missing[0].String(), c.says)
	}
}

// Where systemd does not run there is no answer, and no unit either.
func TestShowWithoutSystemd(t *testing.T) {
	if Booted() {
		t.Skip("systemd runs here")
	}
	if _, err := os.Stat("/usr/bin/systemctl"); err != nil {
		t.Skip("missing package: systemd")
	}
	_, err := Show(Names[0], slog.New(slog.DiscardHandler))
	require.Error(t, err)
}
