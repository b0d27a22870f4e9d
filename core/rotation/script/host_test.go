package script

import (
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// kcmpFiles asks kcmp(2) about tables of descriptors.
const kcmpFiles = 2

// privateTables gives the threads of this process that have another table of
// descriptors than the caller.
func privateTables(t *testing.T) (private []string) {
	threads, err := os.ReadDir("/proc/self/task")
	require.NoError(t, err)
	for _, thread := range threads {
		tid, err := strconv.Atoi(thread.Name())
		require.NoError(t, err)
		r, _, errno := unix.Syscall6(unix.SYS_KCMP, uintptr(os.Getpid()), uintptr(tid), kcmpFiles, 0, 0, 0)
		if errno == unix.ESRCH {
			continue // it has ended
		}
		require.Zero(t, errno)
		if r != 0 {
			private = append(private, thread.Name())
		}
	}
	return private
}

// TestOneTableOfDescriptorsForAllThreads looks while scripts run and afterwards: a copy
// in any thread would keep open what the host closes.
func TestOneTableOfDescriptorsForAllThreads(t *testing.T) {
	b := newBench(t)
	var ended atomic.Bool
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 100 {
				assert.NoError(t, b.Run(Shell("postrotate", "true")))
			}
		})
	}
	go func() { all.Wait(); ended.Store(true) }()
	for !ended.Load() {
		require.Empty(t, privateTables(t))
	}
	require.Empty(t, privateTables(t))
}

func dumpable(t *testing.T) int {
	value, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	require.NoError(t, err)
	return value
}

// TestHostStaysDumpable looks all the while: a script is another user's.
func TestHostStaysDumpable(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("changing the user needs CAP_SETUID")
	}
	b := newBench(t)
	b.As = &Credential{UID: 65534, GID: 65534}
	before := dumpable(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range 50 {
			assert.NoError(t, b.Run(Shell("postrotate", "true")))
		}
	}()
	for {
		select {
		case <-ended:
			require.Equal(t, before, dumpable(t))
			return
		default:
			require.Equal(t, before, dumpable(t))
		}
	}
}

// TestHandlersOfTheHostAreNotTheScripts starts scripts under a host that handles one
// signal and ignores another, and sends the first to the script at once.
func TestHandlersOfTheHostAreNotTheScripts(t *testing.T) {
	handled := make(chan os.Signal, 1)
	signal.Notify(handled, syscall.SIGUSR1)
	defer signal.Stop(handled)
	signal.Ignore(syscall.SIGUSR2)
	defer signal.Reset(syscall.SIGUSR2)
	b := newBench(t)
	out := b.shell(`grep -e ^SigBlk -e ^SigIgn -e ^SigCgt /proc/$$/status | tr '\n' ' ' > out`)
	fields := strings.Fields(out)
	require.Len(t, fields, 6)
	mask := func(text string) uint64 {
		n, err := strconv.ParseUint(text, 16, 64)
		require.NoError(t, err)
		return n
	}
	assert.Zero(t, mask(fields[1]), "nothing is blocked")
	assert.NotZero(t, mask(fields[3])&(1<<(syscall.SIGUSR2-1)), "what is ignored stays so")
	assert.Zero(t, mask(fields[3])&(1<<(syscall.SIGUSR1-1)))
	require.EqualError(t, b.Run(Shell("postrotate", "kill -USR1 $$; sleep 60")), "ended by signal SIGUSR1")
	assert.Empty(t, handled, "the signal was the script's")
}

// TestShortageOfProcessesIsWaitedFor takes the processes of the task's user away, and
// gives them back while a script waits.
func TestShortageOfProcessesIsWaitedFor(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("changing the user needs CAP_SETUID")
	}
	b := newBench(t)
	b.As = &Credential{UID: 54321, GID: 54321}
	other := exec.Command("sleep", "600")
	other.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: b.As.UID, Gid: b.As.GID}}
	require.NoError(t, other.Start())
	defer func() { _ = other.Process.Kill(); _ = other.Wait() }()

	var before unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NPROC, &before))
	restore := func() { assert.NoError(t, unix.Prlimit(0, unix.RLIMIT_NPROC, &before, nil)) }
	require.NoError(t, unix.Prlimit(0, unix.RLIMIT_NPROC, &unix.Rlimit{Cur: 0, Max: before.Max}, nil))
	defer restore()

	b.Timeout = 3 * time.Second
	require.ErrorIs(t, b.Run(Shell("postrotate", "true")), unix.EAGAIN, "there are none for as long as it may take")

	b.Timeout = 10 * time.Minute
	waited := make(chan error)
	go func() { waited <- b.Run(Shell("postrotate", "echo ran > out")) }()
	select {
	case err := <-waited:
		t.Fatalf("the script did not wait: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	restore()
	require.NoError(t, <-waited)
	out, err := os.ReadFile(filepath.Join(b.dir, "out"))
	require.NoError(t, err)
	require.Equal(t, "ran\n", string(out))
}

// TestStandardDescriptorsMayBeMissing borrows a file that has the number of
// a standard descriptor, as in a host that was started without any.
func TestStandardDescriptorsMayBeMissing(t *testing.T) {
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

	kept, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 3)
	require.NoError(t, err)
	defer func() {
		require.NoError(t, unix.Dup3(kept, 0, 0))
		require.NoError(t, unix.Close(kept))
	}()
	require.NoError(t, unix.Dup3(int(out.Fd()), 0, unix.O_CLOEXEC))
	require.NoError(t, b.Run(Command{
		Name: "compress", Args: []string{"tr", "a-c", "x-z"},
		Stdin: in, Stdout: os.Stdin, // number 0
	}))
	content, err := os.ReadFile(out.Name())
	require.NoError(t, err)
	require.Equal(t, "xyz", string(content))
}
