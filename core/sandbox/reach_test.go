package sandbox

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestReachOpensTheDirectoryThatItWas, and no other in its place.
func TestReachOpensTheDirectoryThatItWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "box")
	require.NoError(t, os.Mkdir(path, 0o755))
	then, err := Open(path)
	require.NoError(t, err)
	defer then.Close()

	d := Expect(path, then.Device(), then.Inode())
	_, err = d.Stat("x")
	require.ErrorIs(t, err, unix.EBADF, "nothing reaches another directory before")
	require.Error(t, d.Reached())
	assert.False(t, d.Removed())
	require.NoError(t, d.Close())

	require.NoError(t, d.Reach())
	require.NoError(t, d.Reached())
	_, err = d.Stat("x")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, d.Close())

	other := Expect(path, then.Device(), then.Inode()+1)
	require.ErrorIs(t, other.Reach(), ErrGone)
	assert.True(t, other.Removed())

	require.NoError(t, os.Remove(path))
	gone := Expect(path, then.Device(), then.Inode())
	require.ErrorIs(t, gone.Reach(), ErrGone)
	require.NoError(t, os.Mkdir(path, 0o755))
	require.ErrorIs(t, gone.Reach(), ErrGone, "it is for good")
	assert.True(t, gone.Removed())
}
