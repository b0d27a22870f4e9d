package limits

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/cgroup"
)

func TestDescriptors(t *testing.T) {
	var before unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &before))
	defer func() { require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &before)) }()
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 100, Max: before.Max}))
	l, ok := Descriptors(Self)
	require.True(t, ok)
	assert.Equal(t, int64(100), l.Most)
	assert.Greater(t, l.Taken, int64(2))
	other, ok := Descriptors(os.Getpid())
	require.True(t, ok)
	assert.Equal(t, l, other)
	_, ok = Descriptors(math.MaxInt32)
	assert.False(t, ok, "there is no such process")
}

func TestTightest(t *testing.T) {
	_, ok := Tightest(nil)
	assert.False(t, ok)
	l, ok := Tightest([]Limit{{Name: "a", Most: 10, Taken: 1}, {Name: "b", Most: 5, Taken: 7}, {Name: "c", Most: 3}})
	assert.True(t, ok)
	assert.Equal(t, "b", l.Name)
	assert.Zero(t, l.Left(), "over its limit")
}

// named gives the limits whose name has a part.
func named(all []Limit, part string) (found []Limit) {
	for _, l := range all {
		if strings.Contains(l.Name, part) {
			found = append(found, l)
		}
	}
	return found
}

func TestRootHasNoLimitOfAUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	assert.Empty(t, named(Processes(Self), "RLIMIT_NPROC"))
	assert.Len(t, named(Processes(Self), "the machine's limit"), 2)
}

func TestLimitOfAUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to start processes of another user")
	}
	for range 2 {
		other := exec.Command("prlimit", "--nproc=77", "sleep", "600")
		other.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 54322, Gid: 54322}}
		require.NoError(t, other.Start())
		defer func() { _ = other.Process.Kill(); _ = other.Wait() }()
		for text(proc(other.Process.Pid, "comm")) != "sleep\n" { // until prlimit has set it
		}
		found := named(Processes(other.Process.Pid), "RLIMIT_NPROC")
		require.Len(t, found, 1)
		assert.Equal(t, int64(77), found[0].Most)
		assert.Contains(t, found[0].Name, "user id 54322")
		if found[0].Taken == 2 {
			return
		}
		assert.Equal(t, int64(1), found[0].Taken)
	}
	t.Fatal("two processes were counted for one")
}

// makeGroups makes a group and one in it, with limits, where this machine lets us.
func makeGroups(t *testing.T, outerMost, innerMost int) (inner string) {
	t.Helper()
	mounts, err := cgroup.OwnMounts()
	require.NoError(t, err)
	at, ok := mounts.Of(cgroup.Pids)
	unified := !ok
	if unified {
		at, ok = mounts.Of(cgroup.Unified)
	}
	if !ok || unified && !strings.Contains(text(at.Point+"/cgroup.controllers"), "pids") {
		t.Skip("needs control groups with the pids controller")
	}
	outer := filepath.Join(at.Point, "sluice-limits-"+strconv.Itoa(os.Getpid()))
	inner = filepath.Join(outer, "inner")
	if err := os.Mkdir(outer, 0o755); err != nil {
		t.Skip("needs to make a control group: ", err)
	}
	t.Cleanup(func() { assert.NoError(t, os.Remove(outer)) })
	if unified {
		require.NoError(t, os.WriteFile(at.Point+"/cgroup.subtree_control", []byte("+pids"), 0))
		require.NoError(t, os.WriteFile(outer+"/cgroup.subtree_control", []byte("+pids"), 0))
	}
	require.NoError(t, os.Mkdir(inner, 0o755))
	t.Cleanup(func() { assert.NoError(t, os.Remove(inner)) })
	require.NoError(t, os.WriteFile(outer+"/pids.max", []byte(strconv.Itoa(outerMost)), 0))
	require.NoError(t, os.WriteFile(inner+"/pids.max", []byte(strconv.Itoa(innerMost)), 0))
	return inner
}

func TestControlGroups(t *testing.T) {
	inner := makeGroups(t, 50, 60)
	inside := exec.Command("sleep", "600")
	require.NoError(t, inside.Start())
	defer func() { _ = inside.Process.Kill(); _ = inside.Wait() }()
	require.NoError(t, os.WriteFile(inner+"/cgroup.procs", []byte(strconv.Itoa(inside.Process.Pid)), 0))

	found := named(Processes(inside.Process.Pid), "pids.max")
	require.GreaterOrEqual(t, len(found), 2)
	assert.Equal(t, int64(60), found[0].Most)
	assert.Equal(t, int64(50), found[1].Most, "what holds for a group above holds as well")
	assert.Equal(t, int64(1), found[1].Taken)
	least, _ := Tightest(Processes(inside.Process.Pid))
	assert.Equal(t, int64(49), least.Left())
	assert.Contains(t, least.Name, filepath.Base(filepath.Dir(inner)))
}

func TestMountsOfPartsOfAHierarchy(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(dir+"/a/b", 0o755))
	require.NoError(t, os.WriteFile(dir+"/a/pids.max", []byte("7\n"), 0o600))
	require.NoError(t, os.WriteFile(dir+"/a/pids.current", []byte("3\n"), 0o600))
	require.NoError(t, os.WriteFile(dir+"/a/b/pids.max", []byte("max\n"), 0o600))
	require.NoError(t, os.WriteFile(dir+"/a/b/pids.current", []byte("2\n"), 0o600))
	at := cgroup.Mount{Root: "/docker/x", Point: dir}
	all := upFrom("/docker/x/a/b", at)
	require.Len(t, all, 1)
	assert.Equal(t, int64(4), all[0].Left())
	assert.Empty(t, upFrom("/elsewhere", at))
}
