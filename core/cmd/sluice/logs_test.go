package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	sluicepb "sluice/proto"
)

func TestLogsHelp(t *testing.T) {
	requireHelp(t, "logs", "--follow", "--since", "TARGET is one of", "--until ends\nbefore the first one", "-t, --timestamps", "--until", "1d, 2w", "names\nare guessed")
}

func TestLogsPrintsTheSeries(t *testing.T) {
	dir := box(t, map[string]string{
		"stdout": "e\nf\n", "stdout.1": "c\nd\n", "stdout.2": "a\nb\n",
		"stderr": "E\n", "stderr.1": "D\nhalf", "other": "x\n", "stdout.logrotate.conf": shownConf("rotate 9"), "stderr.logrotate.conf": shownConf("rotate 9"),
	})
	require.NoError(t, os.Chtimes(filepath.Join(dir, "stdout.2"), time.Time{}, time.Now().Add(-3*time.Hour)))
	link := filepath.Join(t.TempDir(), "latest")
	require.NoError(t, os.Symlink(dir, link))
	for _, c := range []struct{ args, want string }{
		{dir, "a\nb\nc\nd\ne\nf\n"},
		{link, "a\nb\nc\nd\ne\nf\n"},
		{dir + "/stdout", "a\nb\nc\nd\ne\nf\n"},
		{link + "/stderr", "D\nhalfE\n"},
		{"--stderr " + dir, "D\nhalfE\n"},
		{"-n 3 " + dir, "d\ne\nf\n"},
		{"--lines=0 " + dir, ""},
		{"--since=2h " + dir, "c\nd\ne\nf\n"},
		{"--since=2h -n1 " + dir, "f\n"},
		{"--since=120mins --tail=1 " + dir, "f\n"},
		{"--until=2h " + dir, "a\nb\nc\nd\n"},
		{"--until=4h " + dir, "a\nb\n"},
		{"--until=4h -n1 " + dir, "b\n"},
		{"--since=1d --until=2150-01-01 " + dir, "a\nb\nc\nd\ne\nf\n"},
		{"--since=" + time.Now().Add(-4*time.Hour).Format(time.RFC3339) + " " + dir, "a\nb\nc\nd\ne\nf\n"},
		{"--since=2150-01-01 " + dir, ""},
		{"--all -n 2 " + dir, "stdout e\nstdout f\nstderr D\nstderr halfE\n"},
	} {
		status, out, errOut := sluice(append([]string{"logs", "--state-dir=" + t.TempDir()}, strings.Fields(c.args)...)...)
		assert.Equal(t, c.want, out, c.args)
		want := ""
		if strings.Contains(c.args, "--since") || strings.Contains(c.args, "--until") {
			want = "sluice: stdout: there is no stdout.times: when a line was written is not known, but for the time at which its file was written last\n"
		}
		if strings.Contains(c.args, "--all") {
			want = "sluice: which line of one stream was written before which of the other is not known: all of stdout comes first\n"
		}
		assert.Equal(t, want, errOut, c.args)
		assert.Zero(t, status, c.args)
	}
}

// The policy decides which files belong to the series, wherever it is known from.
func TestLogsFindsThePolicy(t *testing.T) {
	const conf = "# Written by sluice\n\"/a {path/stdout\" {\n    # default\n    rotate 9\n    addextension .log\n    olddir old\n    size 1024\n}\n"
	files := map[string]string{"stdout": "live\n", "old/stdout.1.log": "shown\n", "stdout.1": "guessed\n", "stdout-20261122": "recorded\n"}
	guessed := box(t, files)
	require.NoError(t, os.Remove(filepath.Join(guessed, "stdout.logrotate.conf")))
	files["stdout.logrotate.conf"] = conf
	shown := box(t, files)
	stateDir, _ := stateOf(t, record(t, shown, "c", "t", "dateext"))
	for _, c := range []struct {
		name, stateDir, box, want, said string
		status                          int
	}{
		{"by the names", t.TempDir(), guessed, "guessed\nlive\n", "there is no stdout.logrotate.conf, and no record: which files belong to the log is guessed", 1},
		{"by what the sandbox shows", t.TempDir(), shown, "shown\nlive\n", "", 0},
		{"by the record", stateDir, shown, "recorded\nlive\n", "", 0},
	} {
		status, out, errOut := sluice("logs", "--state_dir="+c.stateDir, c.box)
		assert.Equal(t, c.want, out, c.name)
		assert.Contains(t, errOut, c.said, c.name)
		assert.Equal(t, c.status == 0, errOut == "", c.name)
		assert.Equal(t, c.status, status, c.name)
	}
	status, out, _ := sluice("verify", "--state_dir="+t.TempDir(), guessed)
	assert.Contains(t, out, "which files belong to the log is guessed")
	assert.Equal(t, 1, status)
}

func TestLogsFindsContainers(t *testing.T) {
	var boxes []string
	var records []*sluicepb.StreamRecord
	for _, id := range []string{"3e1c-a", "3e1c-b", "77", "77.nested"} {
		boxes = append(boxes, box(t, map[string]string{"stdout": id + "\n"}))
		records = append(records, record(t, boxes[len(boxes)-1], id, "task-of-"+id, "rotate 3"))
	}
	stateDir, _ := stateOf(t, records...)
	for name, want := range map[string]string{
		"3e1c-a": "3e1c-a\n", "77": "77\n", "77.n": "77.nested\n", "task-of-3e1c-b": "3e1c-b\n",
		"executor-task-of-77": "77\n", "task-of-77.": "77.nested\n", boxes[1]: "3e1c-b\n",
	} {
		status, out, errOut := sluice("logs", "--state_dir="+stateDir, name)
		assert.Equal(t, want, out, name)
		assert.Empty(t, errOut, name)
		assert.Zero(t, status, name)
	}
	_, _, errOut := sluice("logs", "--state_dir="+stateDir, "3e1c")
	assert.Equal(t, `Error: "3e1c" is ambiguous: 3e1c-a, 3e1c-b; expected the beginning of one of them, as long as needed`+"\n", errOut)

	require.NoError(t, os.Rename(boxes[2], boxes[2]+".away"))
	require.NoError(t, os.Rename(boxes[0], boxes[2]))
	status, out, errOut := sluice("logs", "--state_dir="+stateDir, "77")
	assert.Equal(t, 1, status)
	assert.Empty(t, out)
	assert.Contains(t, errOut, "is not the directory that it was")
}

func TestLogsRefuses(t *testing.T) {
	dir := box(t, map[string]string{"stdout": "a\n"})
	empty := box(t, nil)
	stateDir, _ := stateOf(t)
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"", 2, "TARGET is missing"},
		{dir + " more", 2, "expected one TARGET, and not 2: "},
		{"--tial " + dir, 2, "\"sluice logs\" has no flag --tial"},
		{"-x " + dir, 2, "\"sluice logs\" has no flag -x"},
		{"--follow=perhaps " + dir, 2, "--follow=perhaps: expected true or false"},
		{dir + " --lines", 2, "--lines has no value"},
		{"--since=-1h " + dir, 2, "--since=-1h: expected a duration before now such as 90s, 2h or 1d"},
		{"--since=0 " + dir, 2, "the number has no unit, and is too short for a Unix time"},
		{"--since=1h --until=2h " + dir, 2, "the end is before the beginning, by 1h0m0s"},
		{"-f --until=2h " + dir, 2, "--follow and --until exclude each other"},
		{"--wait " + dir, 2, "--wait is for --follow"},
		{"--lines=x " + dir, 2, "--lines=x: expected a number of lines, or -1 for all"},
		{"--lines=-2 " + dir, 2, "--lines=-2: expected a number of lines, or -1 for all"},
		{"--since=yesterday " + dir, 2, `--since=yesterday: expected a duration before now such as 90s, 2h or 1d, a time such as`},
		{"--stderr --all " + dir, 2, "--stderr and --all exclude each other"},
		{"--utc --epoch " + dir, 2, "--utc and --epoch exclude each other"},
		{"-t --agent=http://127.0.0.1:1 web", 2, "--timestamps, --utc and --epoch are for a log of this machine"},
		{"--all " + dir + "/stdout", 2, "is one live file; expected its sandbox with --stderr or --all"},
		{"--agent=host:5051 web", 2, `agent "host:5051": expected a URL such as http://host:5051`},
		{"--agent=http://127.0.0.1:1 --principal=ops web", 2, "expected --principal and --secret_file together"},
		{"--agent=http://127.0.0.1:1 --principal=ops --secret-file=" + empty + "/none web", 1, `read the secret of "ops": open `},
		{"--agent=http://127.0.0.1:1 web", 1, "ask agent 127.0.0.1:1 for GET_CONTAINERS: "},
		{"--agent=http://127.0.0.1:1 --all /box/stdout", 2, "is one live file; expected its sandbox with --stderr or --all"},
		{"nobody", 1, `no container, task or executor that runs with this logger is "nobody" or begins so, and there is no such path`},
		{dir + "/no", 1, "no such file or directory; expected a sandbox, a live file in one, or a container"},
		{empty, 1, `there is no "stdout", nor any rotated file of it`},
		{"--all " + empty, 1, `there is no "stderr", nor any rotated file of it`},
		{"--stderr " + dir, 1, `there is no "stderr", nor any rotated file of it`},
	} {
		status, out, errOut := sluice(append([]string{"logs", "--state_dir=" + stateDir}, strings.Fields(c.args)...)...)
		assert.Equal(t, c.status, status, c.args)
		assert.Empty(t, out, c.args)
		assert.Contains(t, errOut, c.want, c.args)
	}
	_, _, errOut := sluice("logs", "--state_dir=/nowhere", "nobody")
	assert.Contains(t, errOut, `cannot look up "nobody": there is no state_dir "/nowhere"; name the agent's with --state_dir`)
}

// Damage is said on stderr, the rest is printed, and the status tells.
func TestLogsOfADamagedSeries(t *testing.T) {
	dir := box(t, map[string]string{"stdout": "c\n", "stdout.1.gz": "junk", "stdout.2": "a\n"})
	status, out, errOut := sluice("logs", "--state_dir="+t.TempDir(), dir)
	assert.Equal(t, 1, status)
	assert.Equal(t, "a\nc\n", out)
	assert.Contains(t, errOut, "sluice: stdout: stdout.1.gz cannot be read beyond its byte 0: ")
	assert.Contains(t, errOut, "Error: not all of the log could be read\n")
}

func TestLogsInAHostileSandbox(t *testing.T) {
	secret := filepath.Join(openDir(t), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("secret\n"), 0o644))
	dir := box(t, map[string]string{"stdout": "c\n", "stdout.4": "a\n"})
	require.NoError(t, os.Symlink(secret, filepath.Join(dir, "stdout.1")))
	require.NoError(t, unix.Mkfifo(filepath.Join(dir, "stdout.2"), 0o666))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "stdout.3"), 0o755))
	require.NoError(t, os.Remove(filepath.Join(dir, "stdout.logrotate.conf")))
	require.NoError(t, unix.Mkfifo(filepath.Join(dir, "stdout.logrotate.conf"), 0o666))
	require.NoError(t, os.Symlink(secret, filepath.Join(dir, "stderr")))
	status, out, errOut := sluice("logs", "--state_dir="+t.TempDir(), dir)
	assert.Equal(t, 1, status)
	assert.Contains(t, errOut, "which files belong to the log is guessed")
	assert.Equal(t, "a\nc\n", out)
	status, out, errOut = sluice("logs", "--state_dir="+t.TempDir(), "--stderr", dir)
	assert.Equal(t, 1, status)
	assert.Empty(t, out)
	assert.Contains(t, errOut, `"stderr" is not a log file but a symbolic link; expected a regular file with one name`)
}

func TestLogsWithoutPermission(t *testing.T) {
	dir := box(t, map[string]string{"stdout": "a\n", "stderr": "b\n"})
	require.NoError(t, os.Chmod(filepath.Join(dir, "stderr"), 0o600))
	stateDir, _ := stateOf(t, record(t, dir, "3e1c", "task", "rotate 3"))
	for _, c := range []struct{ args, want, message string }{
		{dir, "a\n", ""},
		{"--stderr " + dir, "", `open "stderr": permission denied`},
		{"3e1c", "", "is for its owner alone; become root, or give the path of a sandbox"},
	} {
		cmd := asNobody(t, process(append([]string{"logs", "--state_dir=" + stateDir}, strings.Fields(c.args)...)...))
		cmd.Path = copyOfSelf(t)
		var errOut bytes.Buffer
		cmd.Stderr = &errOut
		out, err := cmd.Output()
		assert.Equal(t, c.want, string(out), c.args)
		assert.Contains(t, errOut.String(), c.message)
		assert.Equal(t, c.message == "", err == nil, "%s: %v", c.args, err)
	}
}

// copyOfSelf is the test binary where every user can run it.
func copyOfSelf(t *testing.T) string {
	t.Helper()
	path := filepath.Join(openDir(t), "sluice")
	from, err := os.Open(os.Args[0])
	require.NoError(t, err)
	defer from.Close()
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	require.NoError(t, err)
	_, err = io.Copy(to, from)
	require.NoError(t, err)
	require.NoError(t, to.Close())
	return path
}

// Nobody is told anything when the reader has gone, as with any filter.
func TestLogsIntoAClosedPipe(t *testing.T) {
	dir := box(t, map[string]string{"stdout": strings.Repeat("line\n", 1<<20)})
	for _, args := range [][]string{{"logs", dir}, {"logs", "--follow", dir}, {"logs", "--follow", "--lines=1", dir}} {
		cmd := process(append(args, "--state_dir="+t.TempDir())...)
		var errOut bytes.Buffer
		cmd.Stderr = &errOut
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		_, err = io.ReadFull(out, make([]byte, 5))
		require.NoError(t, err)
		require.NoError(t, out.Close())
		require.Error(t, cmd.Wait())
		assert.Contains(t, []string{"exit status 141", "signal: broken pipe"}, cmd.ProcessState.String(), args)
		assert.Empty(t, errOut.String())
	}
}

// With a record, following ends when the stream has ended.
func TestLogsFollowsToTheEndOfTheStream(t *testing.T) {
	dir := box(t, map[string]string{"stdout": "a\n"})
	stateDir, owner := stateOf(t, record(t, dir, "3e1c", "task", "rotate 3"))
	cmd := process("logs", "--follow", "--all", "--state_dir="+stateDir, "3e1c")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	expect := func(want string) {
		t.Helper()
		got := make([]byte, len(want))
		_, err := io.ReadFull(out, got)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	expect("stdout a\n")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "next"), []byte("b\n"), 0o644))
	require.NoError(t, os.Rename(filepath.Join(dir, "stdout"), filepath.Join(dir, "stdout.1")))
	require.NoError(t, os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, "stdout")))
	expect("stdout b\n")
	f, err := os.OpenFile(filepath.Join(dir, "stdout"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString("c\n")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	expect("stdout c\n")
	require.NoError(t, owner.Remove("stream-0"))
	rest, err := io.ReadAll(out)
	require.NoError(t, err)
	assert.Empty(t, rest)
	require.NoError(t, cmd.Wait())
}
