package series

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/sandbox"
)

func TestVerifyNamesWhatItCannotPlace(t *testing.T) {
	path := t.TempDir()
	for _, name := range []string{
		"stdout", "stdout-20260310", "stdout.2", "stdout.3.gz", "stdout-20260309.gz", "stdout.logrotate.conf", "stdoutx.1", "precious",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(path, name), []byte("line\n"), 0o600))
	}
	dir, err := sandbox.Open(path)
	require.NoError(t, err)
	defer dir.Close()
	policy, err := ReadPolicy("rotate 5\ndateext")
	require.NoError(t, err)
	s := New(dir, "stdout", policy)
	defer s.Close()
	report, err := s.Verify(t.Context(), Expected{})
	require.NoError(t, err)
	assert.True(t, report.Whole, report.Findings)
	assert.Equal(t, []string{`"stdout-20260309.gz", "stdout.2", "stdout.3.gz" cannot be placed: ` +
		`rotated files have such names under other policies; nothing of them was read`}, report.Notes)
}
