package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// series lists the files of a numbered series, oldest first, the live one last.
func series(t *testing.T, sandbox, stream string) []string {
	t.Helper()
	entries, err := os.ReadDir(sandbox)
	require.NoError(t, err)
	numbers := []int{}
	for _, entry := range entries {
		if rest, ok := strings.CutPrefix(entry.Name(), stream+"."); ok {
			if n, err := strconv.Atoi(rest); err == nil {
				numbers = append(numbers, n)
			}
		}
	}
	sort.Sort(sort.Reverse(sort.IntSlice(numbers)))
	files := make([]string, 0, len(numbers)+1)
	for i, n := range numbers {
		require.Equal(t, len(numbers)-i, n, "%s: the numbers have a gap", sandbox)
		files = append(files, filepath.Join(sandbox, stream+"."+strconv.Itoa(n)))
	}
	return append(files, filepath.Join(sandbox, stream))
}

// requireWhole says that a series is what was written (or its end, where files had
// to go), that no file is over the limit, and that none begins within a line.
func requireWhole(t *testing.T, sandbox, stream string, limitBytes int, written []byte, keptAll bool) {
	t.Helper()
	var joined []byte
	files := series(t, sandbox, stream)
	for i, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		require.LessOrEqual(t, len(content), limitBytes, "%s is over its limit", file)
		if i < len(files)-1 {
			require.True(t, bytes.HasSuffix(content, []byte("\n")), "%s ends within a line", file)
		}
		joined = append(joined, content...)
	}
	sizes := []int{len(written), len(joined)}
	if keptAll {
		require.Equal(t, sizes[0], sizes[1], "%s: bytes of %s", sandbox, stream)
	}
	require.GreaterOrEqual(t, sizes[0], sizes[1])
	// Compared as a bool: a message with megabytes of text helps nobody.
	same := bytes.Equal(written[len(written)-len(joined):], joined)
	require.True(t, same, "%s: %s differs from what the task wrote, first at byte %d",
		sandbox, stream, firstDifference(written[len(written)-len(joined):], joined))
}

func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// numbered is what `seq --format=seqFormat(width) count` writes.
func numbered(count, width int) []byte {
	out := make([]byte, 0, count*width)
	for i := 1; i <= count; i++ {
		digits := strconv.Itoa(i)
		out = append(out, strings.Repeat("0", width-1-len(digits))...)
		out = append(out, digits...)
		out = append(out, '\n')
	}
	return out
}

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
