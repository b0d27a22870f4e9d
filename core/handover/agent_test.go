package handover

import (
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/state"
)

// keeperEnv makes this binary a keeper that owns a state directory and never answers.
const keeperEnv = "SLUICE_TEST_HANGING_KEEPER"

func init() {
	path, asked := os.LookupEnv(keeperEnv)
	if !asked {
		return
	}
	dir, err := state.Open(path)
	if err != nil {
		os.Exit(1)
	}
	_, keeperErr := dir.KeeperLock("")
	_, listenErr := listen(dir)
	if keeperErr != nil || listenErr != nil {
		os.Exit(1)
	}
	_, _ = os.Stdout.WriteString("owns\n")
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// otherOwner is a process that has the lock of a directory, and a keeper's lock, until it
// is stopped.
func otherOwner(t *testing.T, path string) (stop func()) {
	t.Helper()
	process, stdin := startOwner(t, path)
	return func() { _ = stdin.Close(); _ = process.Wait() }
}

func startOwner(t *testing.T, path string) (*exec.Cmd, io.Closer) {
	t.Helper()
	owner := exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), keeperEnv+"="+path)
	stdin, err := owner.StdinPipe()
	require.NoError(t, err)
	t.Cleanup(func() { _ = stdin.Close() })
	stdout, err := owner.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, owner.Start())
	_, err = io.ReadFull(stdout, make([]byte, 5))
	require.NoError(t, err)
	return owner, stdin
}

// A keeper that hangs is named; once it is killed the agent starts.
func TestHangingKeeperIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	keeper, _ := startOwner(t, path)
	require.NoError(t, keeper.Process.Signal(unix.SIGSTOP))

	const patience = 50 * time.Millisecond
	_, _, err := take(path, patience, slog.New(slog.DiscardHandler))
	require.ErrorIs(t, err, ErrKeeperHangs)
	assert.ErrorContains(t, err, "process "+strconv.Itoa(keeper.Process.Pid)+", asked for 50ms: stop it or send it SIGKILL")

	require.NoError(t, keeper.Process.Kill())
	_ = keeper.Wait()
	dir, opened, err := take(path, patience, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	assert.Nil(t, opened)
	require.NoError(t, dir.Close())
}
