package series

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/sandbox"
)

// A task plants any number of names of its series: whoever reads that looks at as many as the
// policy keeps, and some. What the logger wrote last is among them.
func TestPlantedNamesAreNotAllLookedAt(t *testing.T) {
	const planted = 5_000
	for _, c := range []struct{ options, names, own string }{
		{"rotate 5\ndateext", "stdout-20200101.%d", "stdout-20260310"},
		{"rotate 5\ndateext\ncompress", "stdout-20990101.%d", "stdout-20260310.gz"},
		{"rotate 5", "stdout.9%d", "stdout.1"},
		{"rotate 5\ncompress", "stdout.9%d.gz", "stdout.1.gz"},
	} {
		t.Run(c.options, func(t *testing.T) {
			path := t.TempDir()
			for _, name := range []string{"stdout", c.own} {
				require.NoError(t, os.WriteFile(filepath.Join(path, name), []byte("own\n"), 0o600))
			}
			for i := range planted {
				require.NoError(t, os.WriteFile(filepath.Join(path, fmt.Sprintf(c.names, i+1)), nil, 0o600))
			}
			dir, err := sandbox.Open(path)
			require.NoError(t, err)
			defer dir.Close()
			policy, err := ReadPolicy(c.options)
			require.NoError(t, err)
			s := New(dir, "stdout", policy)
			defer s.Close()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			seen, err := s.Look()
			require.NoError(t, err)
			runtime.ReadMemStats(&after)
			t.Logf("%d files, %d impostors, %d KB allocated", len(seen.Files), len(seen.Impostors), (after.TotalAlloc-before.TotalAlloc)>>10)
			assert.LessOrEqual(t, len(seen.Files)+len(seen.Impostors), 2*(5+1024)+2)
			var names []string
			for _, f := range seen.Files {
				names = append(names, f.Name)
			}
			assert.Contains(t, names, c.own)
			assert.Equal(t, "stdout", names[len(names)-1])
		})
	}
}
