package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/tests/kit"
)

// sevenDigits is so many bytes of lines of eight.
func sevenDigits(size int) []byte { return kit.Lines((size+7)/8, 8)[:size] }

// joined gives the series of a log, oldest file first, and how many rotated files there are.
func joined(t *testing.T, path string) (text []byte, rotated int) {
	t.Helper()
	files, err := kit.Series(filepath.Dir(path), filepath.Base(path))
	require.NoError(t, err)
	for _, f := range files {
		rotated += min(f.Number, 1)
	}
	return kit.Join(files), rotated
}

// TestPipeHelp reads the help.
func TestPipeHelp(t *testing.T) {
	requireHelp(t, "pipe", "--log_filename", "--max_size", "--logrotate_options", "--user", "SIGTERM", "mesos-logrotate-logger")
}

// TestPipeAsTheProgramReplaced runs what was recorded from mesos-logrotate-logger with
// the real logrotate: lines of eight bytes, a limit, options; and what was decided
// differently.
func TestPipeAsTheProgramReplaced(t *testing.T) {
	for _, c := range []struct {
		name, options string
		max, size     int
		rotated       int
		all           bool
	}{
		{"full pages", "rotate 4", 16384, 100000, 4, false},
		{"all kept", "rotate 9", 16384, 100000, 6, true},
		{"one page", "rotate 3", 4096, 20000, 3, false},
		{"no history asked for", "rotate 0", 16384, 60000, 0, false},
		{"no rotate keeps one", "", 16384, 60000, 1, false},
		{"copytruncate", "rotate 3\ncopytruncate", 16384, 60000, 3, true},
		{"size of the text", "rotate 3\nsize 1G", 16384, 60000, 3, true},
		{"an unknown directive", "rotate 3\nunknown", 16384, 60000, 3, true},
		{"a script", "rotate 3\npostrotate\ntouch ran\nendscript", 16384, 60000, 3, true},
		{"several errors", "rotate 3\nmail root\nmaxage x\n}\nolddir /var/log", 16384, 60000, 3, true},
		{"an error", "rotate three", 16384, 60000, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := openDir(t)
			path := filepath.Join(dir, "stdout")
			cmd := process("--max_size="+strconv.Itoa(c.max)+"B", "--logrotate_options="+c.options, "--log_filename="+path, "--logrotate_path=logrotate")
			cmd.Args[0] = "mesos-logrotate-logger"
			cmd.Dir = "/"
			want := sevenDigits(c.size)
			cmd.Stdin = bytes.NewReader(want)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			got, rotated := joined(t, path)
			assert.Equal(t, c.rotated, rotated)
			assert.True(t, bytes.HasSuffix(want, got), "the end of what was written")
			if c.all {
				assert.Len(t, got, len(want))
			}
			if c.name == "an unknown directive" {
				assert.Contains(t, string(out), `line 2: \"unknown\"`)
			}
			if c.name == "a script" || c.name == "an error" || c.name == "several errors" {
				assert.Contains(t, string(out), "left out: ")
				assert.NoFileExists(t, filepath.Join(dir, "ran"))
			}
		})
	}
}

func TestPipeRefuses(t *testing.T) {
	dir := openDir(t)
	file := filepath.Join(dir, "app.log")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	for _, c := range []struct {
		name, message string
		args          []string
	}{
		{"no name", "--log_filename is missing; expected the path of the log file", nil},
		{"no directory", "no such file or directory; expected a file in a directory that is there", []string{"--log_filename=" + dir + "/none/app.log"}},
		{"below a file", "not a directory", []string{"--log_filename=" + dir + "/file/app.log"}},
		{"a directory", "expected a file, not a directory", []string{"--log_filename=" + dir + "/"}},
		{"small", `--max_size: "1KB" is too small; expected at least one page, 4096 bytes`, []string{"--log_filename=" + file, "--max_size=1KB"}},
		{"no unit", `--max_size: "10" has no unit; expected`, []string{"--log_filename=" + file, "--max_size=10"}},
		{"options", `--logrotate_options: line 1, column 8: "three": bad value of rotate`, []string{"--log_filename=" + file, "--logrotate_options=rotate three"}},
		{"scripts", "--logrotate_options: line 1", []string{"--log_filename=" + file, "--logrotate_options=postrotate\ntrue\nendscript"}},
		{"on_full", `--on_full: "wait" is none of them; expected drop or block`, []string{"--log_filename=" + file, "--on_full=wait"}},
		{"user", `--user=no-such-user-here: look up`, []string{"--log_filename=" + file, "--user=no-such-user-here"}},
		{"unknown flag", "has no flag --max_files", []string{"--log_filename=" + file, "--max_files=3"}},
		{"argument", `expected no argument, and not app.log`, []string{"app.log"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := process(append([]string{"pipe"}, c.args...)...).CombinedOutput()
			require.Error(t, err)
			assert.Contains(t, string(out), c.message)
			assert.NoFileExists(t, file)
		})
	}
}

// TestPipeReadsEveryKindOfStdin gives it what a shell can.
func TestPipeReadsEveryKindOfStdin(t *testing.T) {
	want := sevenDigits(200000)
	for _, c := range []struct {
		name  string
		stdin func(t *testing.T) (stdin *os.File, feed func())
	}{
		{"pipe", func(t *testing.T) (*os.File, func()) {
			reader, writer, err := os.Pipe()
			require.NoError(t, err)
			return reader, func() { send(t, writer, want) }
		}},
		{"file", func(t *testing.T) (*os.File, func()) {
			path := filepath.Join(t.TempDir(), "in")
			require.NoError(t, os.WriteFile(path, want, 0o600))
			f, err := os.Open(path)
			require.NoError(t, err)
			return f, func() {}
		}},
		{"fifo", func(t *testing.T) (*os.File, func()) {
			path := filepath.Join(t.TempDir(), "fifo")
			require.NoError(t, unix.Mkfifo(path, 0o600))
			f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
			require.NoError(t, err)
			writer, err := os.OpenFile(path, os.O_WRONLY, 0)
			require.NoError(t, err)
			return f, func() { send(t, writer, want) }
		}},
		{"socket", func(t *testing.T) (*os.File, func()) {
			fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			require.NoError(t, err)
			return os.NewFile(uintptr(fds[0]), "socket"), func() { send(t, os.NewFile(uintptr(fds[1]), "socket"), want) }
		}},
		{"terminal", func(t *testing.T) (*os.File, func()) {
			master, slave, err := pty.Open()
			require.NoError(t, err)
			t.Cleanup(func() { _ = master.Close() })
			return slave, func() { // a line each, and then the end as a person gives it
				for line := range bytes.Lines(want) {
					_, err := master.Write(line)
					require.NoError(t, err)
				}
				_, err := master.Write([]byte{4})
				require.NoError(t, err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(openDir(t), "app.log")
			cmd := process("pipe", "--log_filename=app.log", "--max_size=16KB", "--logrotate_options=rotate 100")
			cmd.Dir = filepath.Dir(path)
			var errOut bytes.Buffer
			cmd.Stderr = &errOut
			stdin, feed := c.stdin(t)
			cmd.Stdin = stdin
			require.NoError(t, cmd.Start())
			_ = stdin.Close()
			feed()
			require.NoError(t, cmd.Wait(), errOut.String())
			got, rotated := joined(t, path)
			assert.True(t, bytes.Equal(want, got))
			assert.GreaterOrEqual(t, rotated, 12)
			assert.Empty(t, errOut.String())
		})
	}
}

func send(t *testing.T, w io.WriteCloser, text []byte) {
	t.Helper()
	_, err := w.Write(text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
}

func TestPipeOfADirectory(t *testing.T) {
	dir := openDir(t)
	stdin, err := os.Open(dir)
	require.NoError(t, err)
	defer stdin.Close()
	cmd := process("pipe", "--log_filename="+filepath.Join(dir, "app.log"))
	cmd.Stdin = stdin
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "stdin is a directory; expected a pipe")
}

// TestPipeReportsAStdinThatFails resets the connection that it reads.
func TestPipeReportsAStdinThatFails(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	server, err := listener.Accept()
	require.NoError(t, err)
	stdin, err := server.(*net.TCPConn).File()
	require.NoError(t, err)
	require.NoError(t, server.Close())

	path := filepath.Join(openDir(t), "app.log")
	cmd := process("pipe", "--log_filename="+path)
	cmd.Stdin = stdin
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	require.NoError(t, cmd.Start())
	require.NoError(t, stdin.Close())
	_, err = client.Write([]byte("before\n"))
	require.NoError(t, err)
	awaitText(t, path, "before\n")
	require.NoError(t, client.(*net.TCPConn).SetLinger(0))
	require.NoError(t, client.Close())
	require.Error(t, cmd.Wait())
	assert.Contains(t, errOut.String(), "read stdin: ")
	assert.Contains(t, errOut.String(), "connection reset by peer")
}

// awaitText waits until a file has a text.
func awaitText(t *testing.T, path, want string) {
	t.Helper()
	var text []byte
	kit.Wait(t, fmt.Sprintf("%s has %q", path, want), func() bool {
		text, _ = os.ReadFile(path)
		return string(text) == want
	}, func() any { return string(text) })
}

// TestPipeEndsBySignals writes what there is, and then the shell sees the signal.
func TestPipeEndsBySignals(t *testing.T) {
	for _, number := range []syscall.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP} {
		t.Run(number.String(), func(t *testing.T) {
			// Whoever runs the tests may ignore it, as nohup does, and what is ignored is
			// inherited; what is caught is not.
			caught := make(chan os.Signal, 1)
			signal.Notify(caught, number)
			defer signal.Stop(caught)
			path := filepath.Join(openDir(t), "app.log")
			cmd := process("pipe", "--log_filename="+path, "--max_delay=1mins")
			writer, err := cmd.StdinPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			_, err = writer.Write([]byte("first\n"))
			require.NoError(t, err)
			awaitText(t, path, "first\n")
			_, err = writer.Write([]byte("second\n"))
			require.NoError(t, err)
			require.NoError(t, cmd.Process.Signal(number))
			var failed *exec.ExitError
			require.ErrorAs(t, cmd.Wait(), &failed)
			status := failed.Sys().(syscall.WaitStatus)
			require.True(t, status.Signaled())
			assert.Equal(t, number, status.Signal())
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, "first\nsecond\n", string(text))
		})
	}
}

func TestPipeBecomesTheUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("missing privilege: only root can become another user")
	}
	dir := openDir(t)
	require.NoError(t, os.Chown(dir, 65534, 65534))
	path := filepath.Join(dir, "stdout")
	cmd := process("pipe", "--log_filename="+path, "--user=nobody")
	writer, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = io.WriteString(writer, "a line\n")
	require.NoError(t, err)
	awaitText(t, path, "a line\n")
	status, err := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/status")
	require.NoError(t, err)
	assert.Contains(t, string(status), "Uid:\t65534\t65534\t65534\t65534\n")
	assert.Contains(t, string(status), "CapPrm:\t0000000000000000\n", "nothing is left of root")
	require.NoError(t, writer.Close())
	require.NoError(t, cmd.Wait())
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, uint32(65534), info.Sys().(*syscall.Stat_t).Uid)
}

func TestPipeWithoutRights(t *testing.T) {
	dir := openDir(t)
	cmd := asNobody(t, process("pipe", "--log_filename="+filepath.Join(dir, "app.log")))
	cmd.Dir, cmd.Path = "/", copyOfSelf(t)
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "permission denied")
	cmd = asNobody(t, process("pipe", "--log_filename="+filepath.Join(dir, "app.log"), "--user=root"))
	cmd.Dir, cmd.Path = "/", copyOfSelf(t)
	out, err = cmd.CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "--user=root: become that user: operation not permitted; only root can")
}

func TestStandInReadsFlagsAsStoutDoes(t *testing.T) {
	args, ok := standIn([]string{"/opt/mesos/libexec/mesos-logrotate-logger", "--Max_Size=10MB", " --LOG_FILENAME=/a/B\n", "ignored", "--help", "--", "--user=x"})
	require.True(t, ok)
	assert.Equal(t, []string{"pipe", "--forgive_options", "--max_size=10MB", "--log_filename=/a/B", "--help"}, args)
	_, ok = standIn([]string{"/usr/bin/sluice", "pipe"})
	assert.False(t, ok)
}

// TestPipeOutlivesItsParentsTerminal sees that it has a session of its own.
func TestPipeOutlivesItsParentsTerminal(t *testing.T) {
	path := filepath.Join(openDir(t), "app.log")
	cmd := process("pipe", "--log_filename="+path)
	writer, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = io.WriteString(writer, strings.Repeat("x", 10)+"\n")
	require.NoError(t, err)
	awaitText(t, path, "xxxxxxxxxx\n")
	session, err := unix.Getsid(cmd.Process.Pid)
	require.NoError(t, err)
	assert.Equal(t, cmd.Process.Pid, session)
	require.NoError(t, writer.Close())
	require.NoError(t, cmd.Wait())
}
