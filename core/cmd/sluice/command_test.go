package main

import (
	"bytes"
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"sluice/core/sandbox"
	"sluice/core/state"
	sluicepb "sluice/proto"
)

// TestMain lets the test binary be the command, where a test needs a process.
func TestMain(m *testing.M) {
	if os.Getenv("SLUICE_TEST_COMMAND") != "" {
		main()
	}
	os.Exit(m.Run())
}

// sluice runs the command within the test.
func sluice(args ...string) (status int, stdout, stderr string) {
	root := newRoot()
	var out, errOut bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&errOut)
	root.SetArgs(args)
	status = run(context.Background(), root)
	return status, out.String(), errOut.String()
}

// process is the command as a process.
func process(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "SLUICE_TEST_COMMAND=1")
	return cmd
}

// asNobody makes a process one without rights.
func asNobody(t *testing.T, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("missing privilege: only root can run a process as another user")
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	return cmd
}

// open is a directory that every user can reach.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sluice-command-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}

// shownConf is what the logger shows in a sandbox.
func shownConf(options string) string {
	return "# Written by sluice\n\"/path/stdout\" {\n" + options + "\n}\n"
}

// box makes a sandbox with these files.
func box(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := openDir(t)
	shown := map[string]string{}
	for name := range files {
		if live, _, _ := strings.Cut(name, "."); live == "stdout" || live == "stderr" {
			shown[live+".logrotate.conf"] = shownConf("rotate -1\ncompress")
		}
	}
	maps.Copy(shown, files)
	for name, text := range shown {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	return dir
}

// stateOf makes a state directory with the records of stdout of these containers.
func stateOf(t *testing.T, records ...*sluicepb.StreamRecord) (dir string, owner *state.Dir) {
	t.Helper()
	dir = filepath.Join(openDir(t), "state")
	owner, err := state.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { _ = owner.Close() })
	for i, record := range records {
		require.NoError(t, owner.Save("stream-"+strconv.Itoa(i), record))
	}
	return dir, owner
}

// record describes the stream of a sandbox.
func record(t *testing.T, path, container, task, options string) *sluicepb.StreamRecord {
	t.Helper()
	dir, err := sandbox.Open(path)
	require.NoError(t, err)
	defer dir.Close()
	return &sluicepb.StreamRecord{
		ContainerId: container, TaskId: task, ExecutorId: "executor-" + task, Stream: "stdout",
		Sandbox: path, SandboxDevice: dir.Device(), SandboxInode: dir.Inode(),
		Settings:   &sluicepb.Settings{MaxBytes: 1 << 20, OptionsText: options, OptionsFrom: &sluicepb.Origin{Name: "logrotate_stdout_options"}},
		Accounting: &sluicepb.Accounting{},
	}
}

func requireHelp(t *testing.T, command string, words ...string) {
	t.Helper()
	status, out, _ := sluice(command, "--help")
	require.Zero(t, status)
	for _, word := range append(words, "Examples:\n  sluice "+command, "Exit status: 0 ") {
		require.Contains(t, out, word)
	}
	for _, line := range strings.Split(out, "\n") {
		if !strings.Contains(line, "--") {
			require.LessOrEqual(t, len(line), 100, line)
		}
	}
}
