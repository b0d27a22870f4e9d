package series

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/sandbox"
)

// Dated files are read in the order in which they were written, whatever their names say.
func TestDatedFilesAreReadByAge(t *testing.T) {
	path := t.TempDir()
	at := time.Date(2026, 1, 28, 12, 0, 0, 0, time.Local)
	var want strings.Builder
	for i := range 8 {
		name := filepath.Join(path, "stdout"+at.Format("-02-01"))
		if i == 7 {
			name = filepath.Join(path, "stdout")
		}
		line := fmt.Sprintf("line %d\n", i)
		want.WriteString(line)
		require.NoError(t, os.WriteFile(name, []byte(line), 0o600))
		require.NoError(t, os.Chtimes(name, at, at))
		at = at.Add(24 * time.Hour)
	}
	dir, err := sandbox.Open(path)
	require.NoError(t, err)
	defer dir.Close()
	policy, err := ReadPolicy("rotate 9\ndateext\ndateformat -%d-%m")
	require.NoError(t, err)
	s := New(dir, "stdout", policy)
	defer s.Close()
	seen, err := s.Look()
	require.NoError(t, err)
	var got strings.Builder
	for _, f := range seen.Files {
		data, err := os.ReadFile(filepath.Join(path, f.Name))
		require.NoError(t, err)
		got.Write(data)
	}
	assert.Equal(t, want.String(), got.String())
}
