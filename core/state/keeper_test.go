package state

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// keepEnv makes this binary the keeper of a directory, which waits for its lock, until its
// stdin ends: locks are of processes.
const keepEnv = "SLUICE_TEST_KEEPER"

func init() {
	path, asked := os.LookupEnv(keepEnv)
	if !asked {
		return
	}
	d, err := Attach(path)
	if err == nil {
		_, err = d.KeeperLock(DetachedKeeper)
	}
	if err != nil {
		os.Exit(1)
	}
	go func() { _ = d.WaitLock() }()
	_, _ = os.Stdout.WriteString("ready\n")
	_, _ = os.Stdin.Read(make([]byte, 1))
	os.Exit(0)
}

// An agent waits for the end of its keeper, which waits for the agent's.
func TestTheEndOfAKeeperIsAwaited(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	d, err := Open(path)
	require.NoError(t, err)
	defer d.Close()
	now, err := d.Keeper()
	require.NoError(t, err)
	assert.Equal(t, KeeperInfo{}, now)
	require.NoError(t, d.AwaitNoKeeper(), "there is none")

	keeper := exec.Command(os.Args[0])
	keeper.Env = append(os.Environ(), keepEnv+"="+path)
	stdin, err := keeper.StdinPipe()
	require.NoError(t, err)
	stdout, err := keeper.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, keeper.Start())
	_, err = stdout.Read(make([]byte, 6))
	require.NoError(t, err)
	now, err = d.Keeper()
	require.NoError(t, err)
	assert.Equal(t, KeeperInfo{Lives: true, PID: keeper.Process.Pid, Detached: true}, now)
	_, err = d.KeeperLock("")
	require.ErrorContains(t, err, "has a keeper already")

	ended := make(chan error, 1)
	go func() { ended <- d.AwaitNoKeeper() }()
	select {
	case err := <-ended:
		require.Fail(t, "it did not wait", "%v", err)
	default:
	}
	require.NoError(t, stdin.Close())
	require.NoError(t, <-ended)
	require.NoError(t, keeper.Wait())
	now, err = d.Keeper()
	require.NoError(t, err)
	assert.False(t, now.Lives)
}

// A keeper is told of pipes that come and go, and of nothing else.
func TestPipesThatComeAndGoAreTold(t *testing.T) {
	d, err := Open(filepath.Join(t.TempDir(), "state"))
	require.NoError(t, err)
	defer d.Close()
	events, err := d.WatchFIFOs()
	require.NoError(t, err)
	defer events.Close()
	told := func() bool {
		t.Helper()
		buffer := make([]byte, 4096)
		n, err := events.Read(buffer)
		require.NoError(t, err)
		return TellsOfFIFOs(buffer[:n])
	}
	require.NoError(t, d.replace("c.record", []byte("a record")))
	assert.False(t, told())
	require.NoError(t, d.MakeFIFO("c", os.Getuid(), os.Getgid()))
	assert.True(t, told())
	fifos, err := d.FIFOs()
	require.NoError(t, err)
	pipe, err := d.OpenReading("c")
	require.NoError(t, err)
	defer unix.Close(pipe)
	assert.Equal(t, map[Inode]string{InodeOf(pipe): "c"}, fifos)
	require.NoError(t, d.Remove("c"))
	assert.True(t, told())
	assert.Equal(t, Inode{}, InodeOf(-1))
	for _, torn := range [][]byte{nil, make([]byte, 3), make([]byte, unix.SizeofInotifyEvent)} {
		assert.False(t, TellsOfFIFOs(torn))
	}
}
