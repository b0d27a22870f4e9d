package standby

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOwnFile(t *testing.T) {
	got, err := ownFile()
	require.NoError(t, err)
	want, err := os.Executable()
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

// The program is looked for where the build and the packages put it.
func TestFindProgram(t *testing.T) {
	prefix := t.TempDir()
	place := func(path string, mode os.FileMode) string {
		path = filepath.Join(prefix, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, nil, mode))
		return path
	}
	library := filepath.Join(prefix, "lib/sluice/lib.so")
	_, err := Program("", library)
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorContains(t, err, "give its path with keeper_command")
	installed := place("bin/sluice", 0o755)
	got, err := Program("", library)
	require.NoError(t, err)
	assert.Equal(t, installed, got)
	beside := place("lib/sluice/sluice", 0o755)
	got, err = Program("", library)
	require.NoError(t, err)
	assert.Equal(t, beside, got)

	given := place("else/where", 0o755)
	got, err = Program(given, library)
	require.NoError(t, err)
	assert.Equal(t, given, got)
	for _, bad := range []string{filepath.Join(prefix, "nothing"), prefix, place("plain", 0o644)} {
		_, err = Program(bad, library)
		assert.ErrorContains(t, err, bad)
	}
}
