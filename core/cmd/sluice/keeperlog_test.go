package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The log of a keeper lies in memory as a rule: it is bounded, also across starts.
func TestTheKeepersLogIsBounded(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, keeperLogName)
	line := []byte(strings.Repeat("x", 99) + "\n")
	for range 3 {
		l, err := openKeeperLog(path)
		require.NoError(t, err)
		for range keeperLogBytes / len(line) {
			_, err := l.Write(line)
			require.NoError(t, err)
		}
		require.NoError(t, l.Close())
	}
	found, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, found, 2)
	for _, entry := range found {
		info, err := entry.Info()
		require.NoError(t, err)
		assert.LessOrEqual(t, info.Size(), int64(keeperLogBytes))
		assert.Zero(t, info.Size()%int64(len(line)), "whole lines")
	}
	// A link in its place is not followed.
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Symlink(elsewhere, path))
	_, err = openKeeperLog(path)
	require.Error(t, err)
	assert.NoFileExists(t, elsewhere)
}
