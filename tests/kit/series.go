package kit

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

// File is one of a series.
type File struct {
	Path string
	// Number is that of a numbered file, the youngest 1; of a live one it is 0.
	Number        int
	date, counter int // of a dated one
	Text          []byte
}

// rotatedName is what follows a stream's name: a number, or a date and a counter.
var rotatedName = regexp.MustCompile(`^(?:\.(\d+)|-(\d{8})(?:\.(\d+))?)(\.gz|\.zst)?$`)

// Series reads the files of a stream, uncompressed and the oldest first; the last is the live one, where
// there is one. It knows numbers and dates, and knows nothing of the code that is tested.
// Rotated files may be in other directories besides.
func Series(box, stream string, others ...string) ([]File, error) {
	var files []File
	for _, dir := range append([]string{box}, others...) {
		found, err := rotatedIn(dir, stream)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	slices.SortStableFunc(files, func(a, b File) int {
		return cmp.Or(cmp.Compare(b.Number, a.Number), cmp.Compare(a.date, b.date), cmp.Compare(a.counter, b.counter))
	})
	// A plain file that is compressed just now stands before the other.
	files = slices.CompactFunc(files, func(a, b File) bool {
		return a.Number == b.Number && a.date == b.date && a.counter == b.counter
	})
	files = append(files, File{Path: filepath.Join(box, stream)})
	for i := range files {
		var err error
		if files[i].Text, err = read(files[i].Path); errors.Is(err, os.ErrNotExist) && i == len(files)-1 {
			return files[:i], nil
		} else if err != nil {
			return nil, err
		}
	}
	return files, nil
}

func rotatedIn(dir, stream string) (files []File, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	for _, entry := range entries {
		rest, ours := bytes.CutPrefix([]byte(entry.Name()), []byte(stream))
		found := rotatedName.FindSubmatch(rest)
		if !ours || found == nil {
			continue
		}
		f := File{Path: filepath.Join(dir, entry.Name())}
		f.Number, _ = strconv.Atoi(string(found[1]))
		f.date, _ = strconv.Atoi(string(found[2]))
		f.counter, _ = strconv.Atoi(string(found[3]))
		files = append(files, f)
	}
	return files, err
}

func read(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var plain io.Reader
	switch filepath.Ext(path) {
	case ".gz":
		plain, err = gzip.NewReader(bytes.NewReader(text))
	case ".zst":
		plain, err = zstd.NewReader(bytes.NewReader(text))
	default:
		return text, nil
	}
	if err == nil {
		text, err = io.ReadAll(plain)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return text, nil
}

// Join gives the text of a series.
func Join(files []File) (text []byte) {
	for _, f := range files {
		text = append(text, f.Text...)
	}
	return text
}

// Whole reads a series of which no file is over a limit, and none but the live one ends
// within a line.
func Whole(t testing.TB, limitBytes int, box, stream string, others ...string) []File {
	t.Helper()
	files, err := Series(box, stream, others...)
	require.NoError(t, err)
	for _, f := range files {
		require.LessOrEqual(t, len(f.Text), limitBytes, "%s is over its limit", f.Path)
		if f.Path != filepath.Join(box, stream) {
			require.True(t, bytes.HasSuffix(f.Text, []byte("\n")), "%s ends within a line", f.Path)
		}
	}
	return files
}

// Joined is the text of Whole.
func Joined(t testing.TB, limitBytes int, box, stream string, others ...string) []byte {
	t.Helper()
	return Join(Whole(t, limitBytes, box, stream, others...))
}
