package e2e

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rotatedName is a name of a series: by number or by date and counter, compressed or
// not.
var rotatedName = regexp.MustCompile(`^(?:\.(\d+)|-(\d{8})(?:\.(\d+))?)(\.gz)?$`)

type rotatedFile struct {
	path          string
	number        int // of a numbered one: the youngest is 1
	date, counter int // of a dated one
	compressed    bool
}

// anySeries lists the rotated files of a stream, oldest first, in the sandbox and in
// its olddir.
func anySeries(t *testing.T, sandbox, stream string) []rotatedFile {
	t.Helper()
	var files []rotatedFile
	for _, dir := range []string{sandbox, filepath.Join(sandbox, "old")} {
		entries, err := os.ReadDir(dir)
		if os.IsNotExist(err) {
			continue
		}
		require.NoError(t, err)
		for _, entry := range entries {
			require.False(t, strings.HasPrefix(entry.Name(), "."+stream), "%s is left in %s", entry.Name(), dir)
			rest, ours := strings.CutPrefix(entry.Name(), stream)
			found := rotatedName.FindStringSubmatch(rest)
			if !ours || found == nil {
				continue
			}
			file := rotatedFile{path: filepath.Join(dir, entry.Name()), compressed: found[4] != ""}
			file.number, _ = strconv.Atoi(found[1])
			file.date, _ = strconv.Atoi(found[2])
			file.counter, _ = strconv.Atoi(found[3])
			files = append(files, file)
		}
	}
	slices.SortFunc(files, func(a, b rotatedFile) int {
		return cmp.Or(-cmp.Compare(a.number, b.number), cmp.Compare(a.date, b.date), cmp.Compare(a.counter, b.counter))
	})
	return files
}

func (f rotatedFile) content(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile(f.path)
	require.NoError(t, err)
	if !f.compressed {
		return raw
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	require.NoError(t, err, f.path)
	content, err := io.ReadAll(z)
	require.NoError(t, err, f.path)
	return content
}

// requireExactly says that a series is what was written, once, in order, through all
// its compressed files; that none is over its limit and none ends within a line.
func requireExactly(t *testing.T, sandbox, stream string, limitBytes int, want []byte) (files int) {
	t.Helper()
	rotated := anySeries(t, sandbox, stream)
	var joined []byte
	for _, file := range rotated {
		content := file.content(t)
		require.LessOrEqual(t, len(content), limitBytes, "%s is over its limit", file.path)
		require.True(t, bytes.HasSuffix(content, []byte("\n")), "%s ends within a line", file.path)
		joined = append(joined, content...)
	}
	live, err := os.ReadFile(filepath.Join(sandbox, stream))
	require.NoError(t, err)
	require.LessOrEqual(t, len(live), limitBytes, "the live %s is over its limit", stream)
	joined = append(joined, live...)
	if at := firstDifference(want, joined); at < max(len(want), len(joined)) {
		require.Fail(t, "the series is not what the task wrote",
			"%s: %s: %d bytes written, %d there, the same up to %d:\nwritten %q\nthere   %q", sandbox, stream,
			len(want), len(joined), at, around(want, at), around(joined, at))
	}
	return len(rotated)
}

func around(data []byte, at int) []byte {
	return data[min(len(data), max(0, at-40)):min(len(data), at+60)]
}
