package script

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/sandbox"
)

// bench is a runner with its sandbox and log.
type bench struct {
	*Runner
	t   *testing.T
	dir string
	log *bytes.Buffer
}

func newBench(t *testing.T) *bench {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o777))
	for up := filepath.Dir(dir); up != "/" && up != os.TempDir(); up = filepath.Dir(up) {
		require.NoError(t, os.Chmod(up, 0o755))
	}
	sb, err := sandbox.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sb.Close()) })
	b := &bench{t: t, dir: dir, log: &bytes.Buffer{}}
	b.Runner = &Runner{
		Dir: sb, As: Own(), Timeout: time.Minute, Env: Environment(nil),
		Log: slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{
			ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey {
					return slog.Attr{}
				}
				return a
			},
		})),
	}
	return b
}

// shell runs a script and gives what it wrote into the file "out" of its directory.
func (b *bench) shell(text string, args ...string) string {
	require.NoError(b.t, b.Run(Shell("postrotate", text, args...)))
	out, err := os.ReadFile(filepath.Join(b.dir, "out"))
	require.NoError(b.t, err)
	return string(out)
}

func TestArguments(t *testing.T) {
	require.Equal(t, "logrotate_script|2|a b|c\n", newBench(t).shell(`echo "$0|$#|$1|$2" > out`, "a b", "c"))
}

func TestEnvironment(t *testing.T) {
	kept := Environment([]string{"A=1", "LIBPROCESS_IP=x", "MESOS_WORK_DIR=y", "PATH=/p", "MESOSPHERE=2"})
	require.Equal(t, []string{"PATH=/p", "A=1", "MESOSPHERE=2"}, kept)
	require.Equal(t, []string{"PATH=" + defaultPath}, Environment(nil))

	t.Setenv("SECRET_OF_THE_HOST", "1")
	out := newBench(t).shell("env | grep -v -e ^PWD= -e ^OLDPWD= -e ^SHLVL= -e ^_= > out")
	require.Equal(t, "PATH="+defaultPath+"\n", out)
}

func TestDescriptorsOfTheHostStayItsOwn(t *testing.T) {
	secret, err := os.Open("/etc/hostname")
	require.NoError(t, err)
	defer secret.Close()
	// A host need not mark its descriptors.
	_, err = unix.FcntlInt(secret.Fd(), unix.F_SETFD, 0)
	require.NoError(t, err)
	b := newBench(t)
	out := b.shell("ls /proc/$$/fd > out")
	require.NotContains(t, strings.Fields(out), fmt.Sprint(secret.Fd()))
	flags, err := unix.FcntlInt(secret.Fd(), unix.F_GETFD, 0)
	require.NoError(t, err)
	require.Zero(t, flags, "the host's descriptor is as it was")
}

func TestRightsOfTheTasksUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("changing the user needs CAP_SETUID")
	}
	b := newBench(t)
	b.As = &Credential{UID: 65534, GID: 65533, Groups: []uint32{65532}}
	require.Equal(t, "65534 65533 65533 65532\n", b.shell("echo $(id -u) $(id -g) $(id -G) > out"))
	info, err := os.Stat(filepath.Join(b.dir, "out"))
	require.NoError(t, err)
	require.False(t, info.IsDir())
}

func TestFailures(t *testing.T) {
	b := newBench(t)
	require.EqualError(t, b.Run(Shell("prerotate", "exit 3")), "exit status 3")
	require.EqualError(t, b.Run(Shell("prerotate", "kill -TERM $$")), "ended by signal SIGTERM")
	err := b.Run(Command{Name: "compress", Args: []string{"/nonexistent/zip"}})
	require.ErrorIs(t, err, os.ErrNotExist)
	require.EqualError(t, err, `start "/nonexistent/zip": no such file or directory`)
	err = b.Run(Command{Name: "compress", Args: []string{"no-such-program"}})
	require.EqualError(t, err, `start: program "no-such-program": file does not exist in `+defaultPath)
	err = b.Run(Command{Name: "compress", Args: []string{"./x"}})
	require.EqualError(t, err, `start: program "./x": expected an absolute path or a bare name`)
}

func TestTimeKillsTheWholeGroup(t *testing.T) {
	b := newBench(t)
	b.Timeout = time.Second
	err := b.Run(Shell("postrotate", "sleep 1000 & echo $! > out; wait"))
	require.ErrorIs(t, err, ErrTimeout)
	b.requireGone()
}

// A runner that is stopped, before or after the start, waits for no command.
func TestStopKillsTheWholeGroup(t *testing.T) {
	b := newBench(t)
	stop := make(chan struct{})
	b.Stop, b.Timeout = stop, 24*time.Hour
	require.NoError(t, b.Run(Shell("postrotate", "true")))
	failed := make(chan error)
	go func() { failed <- b.Run(Shell("postrotate", "sleep 100000 & echo $! > out; wait")) }()
	close(stop)
	require.ErrorIs(t, <-failed, ErrStopped)
	b.requireGone()
	require.ErrorIs(t, b.Run(Shell("postrotate", "sleep 100000")), ErrStopped)
	require.NoError(t, b.Run(Shell("postrotate", "true")), "what is quick is let be")
}

func TestNothingOfTheGroupOutlivesTheScript(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.Run(Shell("postrotate", "sleep 1000 & echo $! > out")))
	b.requireGone()
}

// requireGone waits for the end of the process whose id is in "out": it has been sent
// the signal that nobody survives, and may not have had a processor since.
func (b *bench) requireGone() {
	out, err := os.ReadFile(filepath.Join(b.dir, "out"))
	if errors.Is(err, os.ErrNotExist) {
		return // killed before it had a child
	}
	require.NoError(b.t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	require.NoError(b.t, err)
	process, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return
	}
	require.NoError(b.t, err)
	defer unix.Close(process)
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(process), Events: unix.POLLIN}}, -1)
		if !errors.Is(err, unix.EINTR) {
			require.NoError(b.t, err)
			require.Equal(b.t, 1, n)
			return
		}
	}
}

func TestOutputReachesTheLogAFewLinesOfIt(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.Run(Shell("lastaction", `printf 'one\n\033[31mtwo\n'; echo three >&2`)))
	require.Equal(t, `level=INFO msg="output of a script" script=lastaction line=one cut=false
level=INFO msg="output of a script" script=lastaction line="\x1b[31mtwo" cut=false
level=INFO msg="output of a script" script=lastaction line=three cut=false
`, b.log.String())
	b.log.Reset()
	require.NoError(t, b.Run(Shell("lastaction", "yes | head -n 100000")))
	require.Equal(t, maxLines+1, strings.Count(b.log.String(), "\n"))
	require.Contains(t, b.log.String(), `msg="output of a script cut" script=lastaction bytes=`)
}

func TestFilters(t *testing.T) {
	b := newBench(t)
	in, err := os.Create(filepath.Join(b.dir, "in"))
	require.NoError(t, err)
	defer in.Close()
	_, err = in.WriteString("abc")
	require.NoError(t, err)
	_, err = in.Seek(0, 0)
	require.NoError(t, err)
	out, err := os.Create(filepath.Join(b.dir, "out"))
	require.NoError(t, err)
	defer out.Close()
	require.NoError(t, b.Run(Command{Name: "compress", Args: []string{"tr", "a-c", "x-z"}, Stdin: in, Stdout: out}))
	content, err := os.ReadFile(out.Name())
	require.NoError(t, err)
	require.Equal(t, "xyz", string(content))
}

func TestLimits(t *testing.T) {
	b := newBench(t)
	out := b.shell("echo $(ulimit -n) $(ulimit -c) $(ulimit -t) $(nice) > out")
	require.Equal(t, "256 0 61 10\n", out)
}

// TestInAHostWithChildren runs scripts while the host starts and awaits children of
// its own: each gets its own, whatever the order.
func TestInAHostWithChildren(t *testing.T) {
	b := newBench(t)
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			err := b.Run(Shell("postrotate", fmt.Sprintf("exit %d", i%3)))
			if i%3 == 0 {
				assert.NoError(t, err)
			} else {
				assert.EqualError(t, err, fmt.Sprintf("exit status %d", i%3))
			}
		})
		all.Go(func() {
			err := exec.Command("/bin/sh", "-c", "exit 7").Run()
			assert.EqualError(t, err, "exit status 7")
		})
	}
	all.Wait()
}

func TestNoDescriptorIsLeft(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.Run(Shell("postrotate", "true")))
	before := descriptors(t)
	for range 20 {
		require.NoError(t, b.Run(Shell("postrotate", "true")))
	}
	require.Equal(t, before, descriptors(t))
}

func descriptors(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(entries)
}
