package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Ctrl-\ ends a command, and nothing of the runtime's is shown, once it has begun its work.
func TestQuitIsQuiet(t *testing.T) {
	dir := box(t, map[string]string{"stdout": "a\n"})
	stateDir, _ := stateOf(t)
	log := filepath.Join(openDir(t), "app.log")
	for _, c := range []struct {
		args  []string
		begun func(said string) bool
	}{
		{[]string{"logs", "--follow", "--state_dir=" + t.TempDir(), dir}, nonEmpty},
		{[]string{"keep", "--state_dir=" + stateDir}, nonEmpty},
		{[]string{"keep", "--state_dir=" + filepath.Join(t.TempDir(), "none")}, nonEmpty},
		{[]string{"pipe", "--log_filename=" + log}, func(string) bool {
			_, err := os.Stat(log)
			return err == nil
		}},
	} {
		cmd := process(c.args...)
		stdin, err := cmd.StdinPipe()
		require.NoError(t, err)
		said := filepath.Join(t.TempDir(), "said")
		file, err := os.Create(said)
		require.NoError(t, err)
		cmd.Stdout, cmd.Stderr = file, file
		require.NoError(t, cmd.Start())
		require.NoError(t, file.Close())
		require.Eventually(t, func() bool { return c.begun(contents(t, said)) }, 5*time.Minute, time.Millisecond)
		require.NoError(t, cmd.Process.Signal(syscall.SIGQUIT))
		_ = cmd.Wait()
		_ = stdin.Close()
		assert.Contains(t, []int{0, 131}, cmd.ProcessState.ExitCode(), "%v: %s", c.args, contents(t, said))
		assert.NotContains(t, contents(t, said), "goroutine", c.args)
	}
}

func contents(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

func nonEmpty(said string) bool { return said != "" }

func TestHelpOfWhatThereIsNot(t *testing.T) {
	status, _, errOut := sluice("help", "bogus")
	assert.Equal(t, exitUsage, status)
	assert.Contains(t, errOut, `there is no command "bogus"`)
	status, out, _ := sluice("help", "logs")
	assert.Zero(t, status)
	assert.Contains(t, out, "sluice logs [flags] TARGET")
	status, out, _ = sluice("help")
	assert.Zero(t, status)
	assert.Contains(t, out, "Available Commands")
}

// A terminal that obeys no sequences is given none.
func TestDumbTerminal(t *testing.T) {
	dir := box(t, map[string]string{"stdout": "a\n", "stdout.1.gz": "junk"})
	s := serve(t, someContainer)
	for _, args := range [][]string{{"logs", "--all", "--state_dir=" + t.TempDir(), dir}, {"status", "--watch", "--state_dir=" + s.stateDir}} {
		master, slave, err := pty.Open()
		require.NoError(t, err)
		cmd := process(args...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
		cmd.Env = append(cmd.Env, "TERM=dumb")
		require.NoError(t, cmd.Start())
		require.NoError(t, slave.Close())
		text, _ := io.ReadAll(master)
		require.Error(t, cmd.Wait())
		assert.NotContains(t, string(text), "\x1b", args)
	}
}

// A directory that is mistyped is not made, and nothing is taken for drained.
func TestKeepMakesNoDirectory(t *testing.T) {
	typo := filepath.Join(t.TempDir(), "typo")
	status, _, errOut := sluice("keep", "--drain", "--state_dir="+typo)
	assert.Equal(t, exitFailed, status)
	assert.Contains(t, errOut, `there is no state_dir "`+typo+`", so that nothing is drained`)
	assert.NoDirExists(t, typo)

	cmd := process("keep", "--state_dir="+typo)
	errPipe, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(errPipe)
	require.True(t, lines.Scan())
	assert.Contains(t, lines.Text(), "an agent is waited for that makes it")
	assert.NoDirExists(t, typo)
	require.NoError(t, os.Mkdir(typo, 0o700))
	require.True(t, lines.Scan(), "it stands by once the directory is there")
	assert.Contains(t, lines.Text(), "standing by")
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, cmd.Wait())
}

// A log that is not there yet is waited for where that is asked for.
func TestLogsWaitsForALog(t *testing.T) {
	dir := filepath.Join(openDir(t), "sandbox")
	cmd := process("logs", "--follow", "--wait", "--state_dir="+t.TempDir(), dir)
	errPipe, err := cmd.StderrPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	lines := bufio.NewScanner(errPipe)
	require.True(t, lines.Scan())
	assert.Contains(t, lines.Text(), "is not there yet; it is waited for")
	require.NoError(t, os.Mkdir(dir, 0o755))
	require.True(t, lines.Scan())
	assert.Contains(t, lines.Text(), "stdout is not there yet; it is waited for")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "stdout.logrotate.conf"), []byte(shownConf("rotate 2")), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "stdout"), []byte("first\n"), 0o644))
	first := make([]byte, 6)
	_, err = io.ReadFull(out, first)
	require.NoError(t, err)
	assert.Equal(t, "first\n", string(first))
}

// A long line stays one line, whoever comes between gets one of his own.
func TestLinesOfAnyLength(t *testing.T) {
	var out bytes.Buffer
	all := &lines{out: &out}
	one, other := all.of("stdout "), all.of("stderr ")
	long := strings.Repeat("x", 3*maxLineBytes)
	for i := 0; i < len(long); i += 100_000 {
		_, err := one.Write([]byte(long[i:min(len(long), i+100_000)]))
		require.NoError(t, err)
	}
	_, err := one.Write([]byte("\nshort\n"))
	require.NoError(t, err)
	assert.Equal(t, "stdout "+long+"\nstdout short\n", out.String())

	out.Reset()
	_, err = one.Write([]byte(long))
	require.NoError(t, err)
	_, err = other.Write([]byte("between\n"))
	require.NoError(t, err)
	_, err = one.Write([]byte("rest\nlast"))
	require.NoError(t, err)
	require.NoError(t, one.flush())
	assert.Equal(t, "stdout "+long+"\nstderr between\nstdout rest\nstdout last\n", out.String())
}

// Nothing of a task's, an agent's or a file's name reaches the terminal as it is, but log lines.
func TestNothingReachesTheTerminal(t *testing.T) {
	const wipe = "\x1b[2J\x1b[H\u009b6n"
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, wipe)
	}))
	defer web.Close()
	dir := box(t, map[string]string{
		"stdout": "[sluice] 2026-11-22T14:00:00.123Z lost 512 bytes in 4 lines since 2026-11-22T13:00:00.123Z: " + wipe + "\n",
	})
	named := filepath.Join(openDir(t), "x"+wipe)
	require.NoError(t, os.Mkdir(named, 0o755))
	stateDir, _ := stateOf(t, record(t, dir, "a"+wipe, "t", "rotate 3"), record(t, dir, "a2"+wipe, "t", "rotate 3"))
	for _, args := range [][]string{
		{"verify", dir},
		{"verify", "--json", dir},
		{"verify", named},
		{"verify", "--json", named},
		{"logs", named},
		{"logs", named + "/none"},
		{"logs", "--state_dir=" + stateDir, "t"},
		{"status", "--json", "--state_dir=" + stateDir},
		{"status", "--state_dir=" + stateDir},
		{"logs", "--agent=" + web.URL, wipe},
		{"logs", wipe},
		{"logs", "--since=" + wipe, dir},
		{"logs", "--" + wipe},
		{wipe},
		{"help", wipe},
		{"rotate", named},
		{"pipe", "--log_filename=" + named},
		{"pipe", "--max_size=" + wipe},
		{"check", wipe},
		{"keep", "--drain", "--state_dir=" + wipe},
	} {
		status, out, errOut := sluice(args...)
		assert.NotZero(t, status, args)
		for _, text := range []string{out, errOut} {
			assert.NotContains(t, text, "\x1b", "%q", args)
			assert.NotContains(t, text, "\u009b", "%q", args)
		}
	}
}
