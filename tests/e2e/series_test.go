package e2e

import (
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"sluice/tests/kit"
)

// series lists the files of a numbered series, oldest first, the live one last.
func series(t *testing.T, sandbox, stream string) []string {
	t.Helper()
	files, err := kit.Series(sandbox, stream)
	require.NoError(t, err)
	return pathsWithoutGap(t, files)
}

func pathsWithoutGap(t *testing.T, files []kit.File) (paths []string) {
	t.Helper()
	for i, file := range files {
		require.Equal(t, len(files)-1-i, file.Number, "%s: the numbers have a gap", file.Path)
		paths = append(paths, file.Path)
	}
	return paths
}

// requireWhole says that a series is what was written (or its end, where files had
// to go), that no file is over the limit, and that none begins within a line.
func requireWhole(t *testing.T, sandbox, stream string, limitBytes int, written []byte, keptAll bool) {
	t.Helper()
	files := kit.Whole(t, limitBytes, sandbox, stream)
	pathsWithoutGap(t, files)
	joined := kit.Join(files)
	if !keptAll {
		require.GreaterOrEqual(t, len(written), len(joined))
		written = written[len(written)-len(joined):]
	}
	kit.Same(t, written, joined)
}

// numbered is what `seq --format=seqFormat(width) count` writes.
func numbered(count, width int) []byte { return kit.LinesFrom(1, count, width) }

// writeNumbered is the task that writes it.
func writeNumbered(count, width int) []string {
	return []string{"--", "seq", "--format=" + seqFormat(width), "1", strconv.Itoa(count)}
}

func read(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}

// seqFormat makes lines of so many bytes.
func seqFormat(width int) string { return "%0" + strconv.Itoa(width-1) + ".0f" }
