package engine

import (
	"io"
	"os"
	"os/exec"
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
	_, listenErr := dir.Listen()
	if keeperErr != nil || listenErr != nil {
		os.Exit(1)
	}
	_, _ = os.Stdout.WriteString("owns\n")
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// A keeper that hangs is named; once it is killed the agent starts.
func TestHangingKeeperIsNamed(t *testing.T) {
	b := newTestbed(t)
	keeper := exec.Command(os.Args[0])
	keeper.Env = append(os.Environ(), keeperEnv+"="+b.state)
	stdin, err := keeper.StdinPipe()
	require.NoError(t, err)
	defer stdin.Close()
	stdout, err := keeper.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, keeper.Start())
	_, err = io.ReadFull(stdout, make([]byte, 5))
	require.NoError(t, err)
	require.NoError(t, keeper.Process.Signal(unix.SIGSTOP))

	const patience = 50 * time.Millisecond
	_, _, err = takeStateDir(b.state, patience, b.logger())
	require.ErrorIs(t, err, ErrKeeperHangs)
	assert.ErrorContains(t, err, "process "+strconv.Itoa(keeper.Process.Pid)+", asked for 50ms: stop it or send it SIGKILL")

	require.NoError(t, keeper.Process.Kill())
	_ = keeper.Wait()
	b.open().Close()
}
