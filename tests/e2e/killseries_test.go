package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sluice/tests/kit"
)

// requireExactly says that a series is what was written, once, in order, through all
// its compressed files, in the sandbox and in its olddir; that no file is over its limit and none
// ends within a line.
func requireExactly(t *testing.T, sandbox, stream string, limitBytes int, want []byte) (rotated int) {
	t.Helper()
	old := filepath.Join(sandbox, "old")
	for _, dir := range []string{sandbox, old} {
		entries, err := os.ReadDir(dir)
		require.True(t, err == nil || os.IsNotExist(err), err)
		for _, entry := range entries {
			require.False(t, strings.HasPrefix(entry.Name(), "."+stream), "%s is left in %s", entry.Name(), dir)
		}
	}
	files := kit.Whole(t, limitBytes, sandbox, stream, old)
	kit.Same(t, want, kit.Join(files))
	return len(files) - 1
}
