package engine

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/state"
)

// asStranger runs a test of this package alone, as a user of its own who may have so many
// processes.
func asStranger(t *testing.T, processes string) (alone bool) {
	t.Helper()
	if os.Getenv("SLUICE_STRANGER") == t.Name() {
		return true
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root to become another user")
	}
	dir, err := os.MkdirTemp("", "sluice-stranger")
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	uid := 200_000 + os.Getpid()
	require.NoError(t, os.Chown(dir, uid, uid))
	program := filepath.Join(dir, "engine.test") // a directory of go test's own is closed to others
	from, err := os.Open(os.Args[0])
	require.NoError(t, err)
	defer from.Close()
	to, err := os.OpenFile(program, os.O_CREATE|os.O_WRONLY, 0o755)
	require.NoError(t, err)
	_, err = io.Copy(to, from)
	require.NoError(t, err)
	require.NoError(t, to.Close())

	cmd := exec.Command("prlimit", "--nproc="+processes, program, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SLUICE_STRANGER="+t.Name(), "TMPDIR="+dir, "GOMAXPROCS=2")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: "+t.Name())
	return false
}

// TestWithoutRoomForThreads: an agent is told before it takes anything over; who has taken
// the directory already, as a keeper has, serves.
func TestWithoutRoomForThreads(t *testing.T) {
	if !asStranger(t, "70") {
		return
	}
	b := newTestbed(t)
	_, err := Open(b.module, b.logger())
	require.ErrorIs(t, err, unix.EAGAIN)
	require.ErrorContains(t, err, "(RLIMIT_NPROC) leaves no room for the logger's threads: ")
	require.ErrorContains(t, err, " of 70 are taken, and ")
	assert.NoDirExists(t, b.state, "nothing was touched")

	dir, err := state.Open(b.state)
	require.NoError(t, err)
	require.NoError(t, dir.TryLock())
	e, err := Serve(dir, b.module, b.logger(), nobodyHeld)
	require.NoError(t, err)
	defer e.Close()
	stdout, _ := b.prepare(e, "one")
	_, err = stdout.WriteString("a line\n")
	require.NoError(t, err)
	eventually(t, "the line is there", func() bool { return b.live("one") == "a line\n" })
	assert.Contains(t, b.log.String(), "few processes are left for the agent and its tasks")
	assert.Equal(t, 1, strings.Count(b.log.String(), "are served with the threads that can be had"))
}
