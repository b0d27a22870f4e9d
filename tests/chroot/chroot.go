// Package chroot boots machines of their own for tests that need a real systemd; the scripts
// beside it do the work, and do it for other tests as well.
package chroot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Machine is one of its own that a real systemd runs, over the root of this one.
type Machine struct {
	t    *testing.T
	boot *exec.Cmd
	log  bytes.Buffer
}

// Boot boots systemd, which starts one unit. scripts is tests/chroot as it is
// reached from the test; brought is the directory that is /mnt there, and has units. The
// machine ends with the test. A test skips where it lacks what that takes.
func Boot(t *testing.T, scripts, brought, unit string) *Machine {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("missing privilege: only root can make the namespaces of a machine")
	}
	if _, err := os.Stat("/lib/systemd/systemd"); err != nil {
		t.Skip("missing package: systemd")
	}
	if out, err := exec.CommandContext(context.Background(), "unshare", "--mount", "--pid", "--cgroup", "--fork", "true").CombinedOutput(); err != nil {
		t.Skipf("missing privilege: unshare: %s", out)
	}
	machine, err := filepath.Abs(scripts)
	require.NoError(t, err)
	m := &Machine{t: t}
	m.boot = exec.CommandContext(context.Background(), "unshare", "--mount", "--pid", "--fork", "--kill-child",
		machine+"/run", "/", brought, machine+"/boot", unit)
	m.boot.Stdout, m.boot.Stderr = &m.log, &m.log
	group, err := os.Open(ownCgroup(t))
	require.NoError(t, err)
	defer group.Close()
	m.boot.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(group.Fd()), Pdeathsig: unix.SIGKILL}
	require.NoError(t, m.boot.Start())
	t.Cleanup(func() {
		_ = m.boot.Process.Kill()
		_ = m.boot.Wait()
		if t.Failed() {
			t.Log(m.log.String())
		}
	})
	return m
}

// ownCgroup makes a cgroup (v2), and removes it with all processes in the end.
func ownCgroup(t *testing.T) string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mounts")
	require.NoError(t, err)
	for line := range strings.Lines(string(mounts)) {
		fields := strings.Fields(line)
		if fields[2] != "cgroup2" {
			continue
		}
		path, err := os.MkdirTemp(fields[1], "sluice-test-")
		if err != nil {
			t.Skipf("missing privilege: make a cgroup: %v", err)
		}
		t.Cleanup(func() { removeCgroup(t, path) })
		return path
	}
	t.Skip("missing: a mount of cgroup2")
	return ""
}

func removeCgroup(t *testing.T, path string) {
	t.Helper()
	_ = os.WriteFile(filepath.Join(path, "cgroup.kill"), []byte("1"), 0)
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		_ = filepath.WalkDir(path, func(sub string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				_ = os.Remove(sub)
			}
			return nil
		})
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return
		}
		require.Less(t, time.Since(began), 5*time.Minute, "the cgroup does not become empty")
	}
}

// PID1 gives systemd's process, as it is seen from here.
func (m *Machine) PID1() int {
	m.t.Helper()
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if pid := m.findPID1(); pid != 0 {
			return pid
		}
		require.Less(m.t, time.Since(began), 5*time.Minute, "systemd does not start")
	}
}

func (m *Machine) findPID1() int {
	for pid := m.boot.Process.Pid; ; {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
		fields := strings.Fields(string(children))
		if err != nil || len(fields) == 0 {
			return 0
		}
		if pid, err = strconv.Atoi(fields[0]); err != nil {
			return 0
		}
		if comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); string(comm) == "systemd\n" {
			return pid
		}
	}
}

// Command is one that runs on the machine.
func (m *Machine) Command(args ...string) *exec.Cmd {
	enter := []string{"--target", strconv.Itoa(m.PID1()), "--mount", "--pid", "--cgroup", "--uts", "--ipc", "--root", "--wd=/", "--"}
	return exec.CommandContext(context.Background(), "nsenter", append(enter, args...)...)
}
