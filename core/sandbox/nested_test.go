package sandbox

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatOfAPathIsATasks(t *testing.T) {
	for path, want := range map[string][2]string{
		"/w/slaves/S/frameworks/F/executors/E/runs/C":                            {"/w/slaves/S/frameworks/F/executors/E/runs/C", ""},
		"/w/slaves/S/frameworks/F/executors/E/runs/C/containers/N":               {"/w/slaves/S/frameworks/F/executors/E/runs/C", "containers/N"},
		"/w/slaves/S/frameworks/F/executors/E/runs/C/containers/N/containers/M/": {"/w/slaves/S/frameworks/F/executors/E/runs/C", "containers/N/containers/M"},
		"/w/slaves/S/frameworks/F/executors/containers/runs/containers":          {"/w/slaves/S/frameworks/F/executors/containers/runs/containers", ""},
		"/w/slaves/S/frameworks/F/executors/E/runs/containers/containers/N":      {"/w/slaves/S/frameworks/F/executors/E/runs/containers", "containers/N"},
		"/w/containers/standalone":                                               {"/w/containers/standalone", ""},
		"/w/containers/standalone/containers/N":                                  {"/w/containers/standalone", "containers/N"},
		"/containers/a":                                                          {"/containers/a", ""},
		"/":                                                                      {"/", ""},
		"/anywhere":                                                              {"/anywhere", ""},
	} {
		outermost, nested := splitNested(path)
		assert.Equal(t, want, [2]string{outermost, nested}, path)
	}
}

// The owner of a parent container puts a link in the way: nothing behind it is opened.
func TestNoLinkOfAParentContainerIsFollowed(t *testing.T) {
	work, elsewhere := t.TempDir(), t.TempDir()
	parent := filepath.Join(work, "runs", "parent")
	nested := filepath.Join(parent, "containers", "child")
	require.NoError(t, os.MkdirAll(nested, 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(elsewhere, "child"), 0o755))

	d, err := Open(nested)
	require.NoError(t, err)
	require.NoError(t, d.Close())

	require.NoError(t, os.Rename(filepath.Join(parent, "containers"), filepath.Join(parent, "away")))
	for _, target := range []string{elsewhere, "away", "../parent/away"} {
		require.NoError(t, os.Symlink(target, filepath.Join(parent, "containers")))
		_, err = Open(nested)
		require.ErrorIs(t, err, ErrNotDirectory, target)
		require.NoError(t, os.Remove(filepath.Join(parent, "containers")))
	}

	// What lies above is the operator's: a work directory may be a link.
	link := filepath.Join(t.TempDir(), "work")
	require.NoError(t, os.Symlink(work, link))
	require.NoError(t, os.Rename(filepath.Join(parent, "away"), filepath.Join(parent, "containers")))
	d, err = Open(filepath.Join(link, "runs", "parent", "containers", "child"))
	require.NoError(t, err)
	require.NoError(t, d.Close())
}
