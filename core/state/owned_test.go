package state

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A keeper that asks whether an agent lives neither owns the directory meanwhile nor loses the
// lock by which agents know it: closing any descriptor of a locked file gives the lock up
// (fcntl(2)).
func TestAskingForTheOwnerKeepsTheKeepersLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	d, err := Attach(path)
	require.NoError(t, err)
	defer d.Close()
	keeper, err := d.KeeperLock("")
	require.NoError(t, err)
	defer unix.Close(keeper)

	asking, err := Attach(path)
	require.NoError(t, err)
	owned, err := asking.Owned()
	require.NoError(t, err)
	assert.False(t, owned)
	require.NoError(t, d.TryLock(), "nobody has it")
	require.NoError(t, asking.Close())

	// Locks of open file descriptions meet those of this very process.
	f, err := os.OpenFile(filepath.Join(path, keeperName), os.O_RDWR, 0)
	require.NoError(t, err)
	defer f.Close()
	asked := unix.Flock_t{Type: unix.F_WRLCK}
	require.NoError(t, unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &asked))
	assert.NotEqual(t, int16(unix.F_UNLCK), asked.Type, "the keeper's lock")
}
