package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"sluice/core/control"
	"sluice/core/engine"
	"sluice/core/settings"
	sluicepb "sluice/proto"
	"sluice/tests/kit"
)

// served is an engine with one container that has written.
type served struct {
	*engine.Engine
	stateDir, sandbox string
	stdout            *os.File
	once              sync.Once
}

// Close ends the engine, once.
func (s *served) Close() { s.once.Do(s.Engine.Close) }

func serve(t *testing.T, container string, more ...settings.Parameter) *served {
	t.Helper()
	base := openDir(t)
	s := &served{stateDir: filepath.Join(base, "state"), sandbox: filepath.Join(base, "box")}
	require.NoError(t, os.Mkdir(s.sandbox, 0o755))
	module, _, err := settings.ParseModule(append([]settings.Parameter{
		{Key: "state_dir", Value: s.stateDir},
		{Key: "max_stdout_size", Value: "16KB"},
		{Key: "logrotate_stdout_options", Value: "rotate 3"},
	}, more...))
	require.NoError(t, err)
	s.Engine, err = engine.Open(module, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(s.Close)
	d, err := s.Prepare(engine.Launch{ContainerID: container, ExecutorID: "executor", TaskID: "web.1\x1b[2J", FrameworkID: "F-0001", Sandbox: s.sandbox})
	require.NoError(t, err)
	require.NoError(t, unix.Close(d.Stderr))
	s.stdout = os.NewFile(uintptr(d.Stdout), "stdout")
	t.Cleanup(func() { _ = s.stdout.Close() })
	_, err = s.stdout.Write(sevenDigits(100000))
	require.NoError(t, err)
	counted := func(m engine.Metrics) bool { return !m.LinesKnown || m.InLines() == 12500 }
	for m := s.Metrics(); m.InBytes() < 100000 || m.Streams > 1 || !counted(m); m = s.Metrics() {
		time.Sleep(time.Millisecond)
	}
	return s
}

const someContainer = "5f3d9a3e-1b7c-4a53-9c56-0d2f7f8e1a11"

func TestStatusHelp(t *testing.T) {
	requireHelp(t, "status", "--watch", "--interval", "--json", "--state_dir", "blocked", "dropping")
	requireHelp(t, "rotate", "--json", "--state_dir", "TARGET is one of")
}

func TestStatusOfAnOwner(t *testing.T) {
	s := serve(t, someContainer)
	code, out, errOut := sluice("status", "--state_dir="+s.stateDir)
	require.Zero(t, code, errOut)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	require.Len(t, lines, 3)
	assert.Regexp(t, `^sluice\.test \(process \d+, sluice .+\): 1 stream, 0B/s$`, lines[0])
	assert.Equal(t, "CONTAINER STREAM TASK STATE RATE IN WRITTEN DROPPED LINES FILES DISK ROTATED BLOCKED EXECUTOR FRAMEWORK SANDBOX",
		strings.Join(strings.Fields(lines[1]), " "))
	fields := strings.Fields(lines[2])
	require.Len(t, fields, 16)
	assert.Equal(t, []string{someContainer, "stdout", "web.1?[2J", "served", "0B/s", "97.7KB", "97.7KB", "0B", "12500", "4", "49.8KB"}, fields[:11])
	assert.Equal(t, []string{"-", "executor", "F-0001", s.sandbox}, fields[12:], "a name does nothing to a terminal")
	assert.NotContains(t, out, "\x1b", "no colours but on a terminal")
}

func TestStatusAsJSON(t *testing.T) {
	s := serve(t, someContainer)
	code, out, errOut := sluice("status", "--json", "--state_dir="+s.stateDir)
	require.Zero(t, code, errOut)
	assert.NotContains(t, out, "nano")
	assert.Regexp(t, `"created": "20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"`, out)
	assert.Regexp(t, `"last_rotation": "20\d\d-\d\d-\d\dT`, out)
	assert.Regexp(t, `"at": "20\d\d-\d\d-\d\dT`, out)
	var got struct {
		Owner   control.Head
		Streams []struct {
			InBytes   int64  `json:"in_bytes"`
			RateBytes *int64 `json:"rate_bytes"`
			State     string
			Task      string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	assert.Equal(t, os.Getpid(), got.Owner.PID)
	require.Len(t, got.Streams, 1)
	assert.Equal(t, int64(100000), got.Streams[0].InBytes)
	require.NotNil(t, got.Streams[0].RateBytes)
	assert.Zero(t, *got.Streams[0].RateBytes)
	assert.Equal(t, "served", got.Streams[0].State)
	assert.Equal(t, "web.1\x1b[2J", got.Streams[0].Task, "JSON escapes by itself")
}

func TestStatusWithoutOwner(t *testing.T) {
	s := serve(t, someContainer)
	s.Close()
	code, out, errOut := sluice("status", "--state_dir="+s.stateDir)
	assert.Equal(t, 1, code)
	assert.Contains(t, errOut, "nobody serves the state directory")
	assert.Contains(t, errOut, "1 stream wait when their pipes are full; start the agent, or a keeper with sluice keep")
	assert.Contains(t, out, "nobody serves "+s.stateDir+": 1 stream by the records\n")
	assert.Equal(t, []string{someContainer, "stdout", "web.1?[2J", "waiting", "-", "97.7KB", "97.7KB", "0B", "12500", "4", "49.7KB"},
		strings.Fields(strings.Split(out, "\n")[2])[:11], "what the owner would say")

	other, owner := stateOf(t, &sluicepb.StreamRecord{ContainerId: "old", BootId: "another boot"})
	require.NoError(t, owner.Close())
	code, out, errOut = sluice("status", "--state_dir="+other)
	assert.Equal(t, 1, code, "nobody serves")
	assert.Contains(t, errOut, "no container of this boot has its record there")
	assert.NotContains(t, out, "old\n", "its pipe is gone with that boot")
}

// Lines are shown where they are counted, by the records too.
func TestStatusOfLines(t *testing.T) {
	figures := func(s *served) (in, written any) {
		_, out, _ := sluice("status", "--json", "--state_dir="+s.stateDir)
		var got struct{ Streams []map[string]any }
		require.NoError(t, json.Unmarshal([]byte(out), &got), out)
		require.Len(t, got.Streams, 1)
		return got.Streams[0]["in_lines"], got.Streams[0]["written_lines"]
	}
	s := serve(t, someContainer)
	for _, owned := range []bool{true, false} {
		if !owned {
			s.Close()
		}
		in, written := figures(s)
		assert.InDelta(t, 12500, in, 0, owned)
		assert.InDelta(t, 12500, written, 0, owned)
		_, out, _ := sluice("status", "--state_dir="+s.stateDir)
		lines := strings.Split(out, "\n")
		assert.Contains(t, lines[1], " DROPPED  LINES  FILES ")
		assert.Equal(t, "12500", strings.Fields(lines[2])[8])
	}
	require.NoError(t, os.Remove(filepath.Join(s.sandbox, "stdout")))
	in, _ := figures(s)
	assert.Nil(t, in, "what the live file had is not known")

	s = serve(t, someContainer, settings.Parameter{Key: "count_lines", Value: "false"})
	in, written := figures(s)
	assert.Nil(t, in)
	assert.Nil(t, written)
}

func TestStatusRefuses(t *testing.T) {
	s := serve(t, someContainer)
	for _, c := range []struct {
		name, message string
		code          int
		args          []string
	}{
		{"no directory", "there is no state_dir \"/no/such\": no agent has used it; name the agent's with --state_dir", 1, []string{"status", "--state_dir=/no/such"}},
		{"an argument", `expected no argument, and not x`, 2, []string{"status", "x"}},
		{"no terminal", "--watch draws on a terminal, which the output is not", 2, []string{"status", "--watch", "--state_dir=" + s.stateDir}},
		{"an interval", "--interval=1ms: expected at least 100ms", 2, []string{"status", "--interval=1ms"}},
		{"nothing to rotate", "TARGET is missing", 2, []string{"rotate"}},
		{"no such container", `no container, task or executor that runs with this logger is "none" or begins so`, 1, []string{"rotate", "none", "--state_dir=" + s.stateDir}},
		{"another sandbox", "no stream of a container that runs with this logger has its files there", 1, []string{"rotate", t.TempDir(), "--state_dir=" + s.stateDir}},
		{"rotate without directory", "there is no state_dir \"/no/such\"", 1, []string{"rotate", s.sandbox, "--state_dir=/no/such"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, _, errOut := sluice(c.args...)
			assert.Equal(t, c.code, code)
			assert.Contains(t, errOut, c.message)
		})
	}
	t.Run("no permission", func(t *testing.T) {
		for _, args := range [][]string{{"status"}, {"rotate", s.sandbox}} {
			cmd := asNobody(t, process(append(args, "--state_dir="+s.stateDir)...))
			cmd.Dir, cmd.Path = "/", copyOfSelf(t)
			out, err := cmd.CombinedOutput()
			require.Error(t, err)
			assert.Contains(t, string(out), "is for its owner alone; become root")
		}
	})
}

func TestRotateByTheOwner(t *testing.T) {
	s := serve(t, someContainer)
	_, err := io.WriteString(s.stdout, "more\n")
	require.NoError(t, err)
	for s.Metrics().InBytes() < 100005 {
		time.Sleep(time.Millisecond)
	}
	live, err := os.ReadFile(filepath.Join(s.sandbox, "stdout"))
	require.NoError(t, err)
	code, out, errOut := sluice("rotate", "5f3d", "--state_dir="+s.stateDir)
	require.Zero(t, code, errOut)
	assert.Equal(t, someContainer+" stdout: rotated to stdout.1, 1.7KB\n", out)
	rotated, err := os.ReadFile(filepath.Join(s.sandbox, "stdout.1"))
	require.NoError(t, err)
	assert.Equal(t, string(live), string(rotated))

	code, out, _ = sluice("rotate", filepath.Join(s.sandbox, "stdout"), "--state_dir="+s.stateDir)
	assert.Zero(t, code)
	assert.Equal(t, someContainer+" stdout: not rotated: there is nothing in it\n", out)

	s.Close()
	code, _, errOut = sluice("rotate", s.sandbox, "--state_dir="+s.stateDir)
	assert.Equal(t, 1, code)
	assert.Contains(t, errOut, "only who serves a log can rotate it; start the agent, or a keeper with sluice keep")
}

func TestStatusIntoAClosedPipe(t *testing.T) {
	s := serve(t, someContainer)
	for _, args := range [][]string{{"status"}, {"status", "--json", "--watch", "--interval=100ms"}} {
		reader, writer, err := os.Pipe()
		require.NoError(t, err)
		cmd := process(append(args, "--state_dir="+s.stateDir)...)
		cmd.Stdout = writer
		require.NoError(t, reader.Close())
		require.NoError(t, cmd.Start())
		require.NoError(t, writer.Close())
		require.Error(t, cmd.Wait())
		status := cmd.ProcessState.Sys().(syscall.WaitStatus)
		assert.True(t, status.Signaled() && status.Signal() == unix.SIGPIPE || status.ExitStatus() == exitClosed, "%v", status)
	}
}

// TestTableFits has a line for every width that no line passes.
func TestTableFits(t *testing.T) {
	rate := int64(123456)
	s := &status{Streams: []streamStatus{{Stream: control.Stream{
		Container: someContainer, Stream: "stdout", State: control.Dropping, InBytes: 1 << 40, WrittenBytes: 1 << 39,
		DroppedBytes: 5, Files: 10, Task: "a-task-with-a-long-name-ä", Executor: "executor", Sandbox: strings.Repeat("/sandbox", 20),
	}, RateBytes: &rate}}}
	for width := 1; width <= 400; width++ {
		for _, line := range s.table(io.Discard, width, time.Now()) {
			require.LessOrEqual(t, utf8.RuneCountInString(line), width, line)
		}
	}
	head := func(width int) string {
		return strings.Join(strings.Fields(s.table(io.Discard, width, time.Now())[0]), " ")
	}
	assert.Equal(t, "CONTAIN… STREAM TASK", head(30))
	assert.Equal(t, "CONTAIN… STREAM TASK STATE RATE IN DROPPED FILES", head(80))
	assert.Equal(t, "CONTAINER STREAM TASK STATE RATE IN DROPPED FILES", head(100))
	assert.Contains(t, s.table(io.Discard, 100, time.Now())[1], "a-task-with-a-long-name-ä", "who is who")
	assert.Equal(t, "CONTAINER STREAM TASK STATE RATE IN DROPPED FILES", head(120))
	assert.True(t, strings.HasSuffix(s.table(io.Discard, 0, time.Now())[0], "SANDBOX"), "no end, nothing left out")
}

// screen is the command on a terminal.
type screen struct {
	t      *testing.T
	master *os.File
	seen   bytes.Buffer
}

func watchOn(t *testing.T, size pty.Winsize, args ...string) (s *screen, slave *os.File, cmd *exec.Cmd) {
	t.Helper()
	master, slave, err := pty.Open()
	require.NoError(t, err)
	t.Cleanup(func() { _ = master.Close(); _ = slave.Close() })
	require.NoError(t, pty.Setsize(master, &size))
	cmd = process(args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	cmd.Env = append(cmd.Env, "TERM=xterm")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return &screen{t: t, master: master}, slave, cmd
}

// until reads until the condition holds for what was drawn last.
func (s *screen) until(holds func(frame string) bool) string {
	s.t.Helper()
	chunk := make([]byte, 4096)
	require.NoError(s.t, s.master.SetReadDeadline(time.Now().Add(kit.Limit)))
	for {
		all := s.seen.String()
		if i := strings.LastIndex(all, home); i >= 0 && strings.HasSuffix(all, clearBelow) && holds(all[i:]) {
			return all[i:]
		}
		n, err := s.master.Read(chunk)
		require.NoError(s.t, err, all)
		s.seen.Write(chunk[:n])
	}
}

func (s *screen) rest() string {
	text, _ := io.ReadAll(s.master) // EIO when the last process has closed it
	s.seen.Write(text)
	return s.seen.String()
}

func TestWatchDrawsUntilItIsTold(t *testing.T) {
	s := serve(t, someContainer)
	for _, c := range []struct{ name, key string }{{"q", "q"}, {"Ctrl-C", "\x03"}} {
		t.Run(c.name, func(t *testing.T) {
			screen, slave, cmd := watchOn(t, pty.Winsize{Rows: 10, Cols: 60}, "status", "--watch", "--interval=100ms", "--state_dir="+s.stateDir)
			before, err := term.GetState(int(slave.Fd()))
			require.NoError(t, err)
			frame := screen.until(func(frame string) bool { return strings.Contains(frame, "0B/s") && strings.Contains(frame, "stdout") })
			assert.Contains(t, frame, "CONTAIN…")
			assert.NotContains(t, frame, "SANDBOX", "there is no room for it")
			assert.NotContains(t, frame, "\x1b[2J", "names are made harmless")

			require.NoError(t, pty.Setsize(screen.master, &pty.Winsize{Rows: 10, Cols: 300}))
			screen.until(func(frame string) bool { return strings.Contains(frame, "SANDBOX") })
			require.NoError(t, pty.Setsize(screen.master, &pty.Winsize{Rows: 10, Cols: 20}))
			frame = screen.until(func(frame string) bool { return !strings.Contains(frame, "STATE") })
			for _, line := range strings.Split(frame, "\r\n") {
				line = strings.NewReplacer(home, "", clearRight, "", clearBelow, "").Replace(line)
				assert.LessOrEqual(t, utf8.RuneCountInString(line), 20, line)
			}
			_, err = screen.master.WriteString(c.key)
			require.NoError(t, err)
			require.NoError(t, cmd.Wait(), "status 0")
			after, err := term.GetState(int(slave.Fd()))
			require.NoError(t, err)
			assert.Equal(t, before, after, "the terminal is as it was")
			require.NoError(t, slave.Close())
			assert.True(t, strings.HasSuffix(screen.rest(), leaveScreen))
		})
	}
}

func TestWatchEndsBySignal(t *testing.T) {
	s := serve(t, someContainer)
	screen, slave, cmd := watchOn(t, pty.Winsize{Rows: 3, Cols: 80}, "status", "--watch", "--state_dir="+s.stateDir)
	screen.until(func(frame string) bool { return strings.Contains(frame, "CONTAINER") })
	require.NoError(t, cmd.Process.Signal(unix.SIGTERM))
	require.NoError(t, cmd.Wait())
	require.NoError(t, slave.Close())
	assert.True(t, strings.HasSuffix(screen.rest(), leaveScreen))
}

// TestWatchGoesOnWithoutOwner sees the owner go, in colour.
func TestWatchGoesOnWithoutOwner(t *testing.T) {
	s := serve(t, someContainer)
	screen, _, cmd := watchOn(t, pty.Winsize{Rows: 10, Cols: 100}, "status", "--watch", "--interval=100ms", "--state_dir="+s.stateDir)
	screen.until(func(frame string) bool { return strings.Contains(frame, "served") })
	s.Close()
	frame := screen.until(func(frame string) bool { return strings.Contains(frame, "waiting") })
	assert.Contains(t, frame, "nobody serves")
	assert.Contains(t, frame, string(red))
	_, err := screen.master.WriteString("q")
	require.NoError(t, err)
	require.NoError(t, cmd.Wait())
}
