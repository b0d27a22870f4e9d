// Package timestest holds a time index against the log that it tells of.
package timestest

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sluice/core/logformat"
	"sluice/core/times"
)

// Log is the log of one stream.
type Log struct {
	Sandbox, Live string
	Bytes         int64     // all that was ever written to its files
	From          int64     // the position of the first byte that has a time
	Began         time.Time // nothing was written before
	OldDir        string    // of the sandbox, if the rotated files are there
}

// Require holds the index against the log: each byte that is to have a time has one, between
// the beginning and now and in their order, and each plain file of the series that holds
// anything is where the index has it. It gives how many bytes have no more than a range.
func Require(t testing.TB, log Log) (ranges int64) {
	t.Helper()
	x := Open(t, log.Sandbox, log.Live)
	begin, end := x.Bounds()
	require.LessOrEqual(t, begin, log.From)
	require.Equal(t, log.Bytes, end, "the end of the log")
	last := log.Began.Truncate(time.Millisecond)
	for at := max(begin, log.From); at < end; {
		span, ok, err := x.At(at)
		require.NoError(t, err)
		require.True(t, ok, "byte %d has no time", at)
		require.False(t, span.Latest.Before(last), "byte %d at %v, and the one before it at %v", at, span.Latest, last)
		require.False(t, span.Earliest.After(span.Latest))
		if !span.Exact() {
			ranges += span.End - at
		}
		last, at = span.Latest, span.End
	}
	require.False(t, last.After(time.Now().Add(time.Millisecond)))
	requireFiles(t, x, log)
	return ranges
}

// Open reads the index of a stream.
func Open(t testing.TB, sandbox, live string) *times.Index {
	t.Helper()
	x, err := Read(sandbox, live)
	require.NoError(t, err)
	return x
}

// Read reads the index of a stream as it is now, and holds nothing open.
func Read(sandbox, live string) (*times.Index, error) {
	text, err := os.ReadFile(filepath.Join(sandbox, logformat.TimesName(live)))
	if err != nil {
		return nil, err
	}
	return times.Read(bytes.NewReader(text), int64(len(text)))
}

func requireFiles(t testing.TB, x *times.Index, log Log) {
	t.Helper()
	known, err := x.Files(1 << 20)
	require.NoError(t, err)
	for _, file := range plainFiles(t, log) {
		at := slices.IndexFunc(known, func(k times.File) bool { return k.Inode == file.Sys().(*syscall.Stat_t).Ino })
		require.GreaterOrEqual(t, at, 0, "the index does not know %s", file.Name())
		require.Equal(t, file.Size(), known[at].End-known[at].Begin, "%s by the index", file.Name())
	}
}

// plainFiles are the files of a series that are not empty, compressed or of the logger alone.
func plainFiles(t testing.TB, log Log) (files []fs.FileInfo) {
	t.Helper()
	for _, dir := range []string{log.Sandbox, filepath.Join(log.Sandbox, log.OldDir)} {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, entry := range entries {
			rest, ours := strings.CutPrefix(entry.Name(), log.Live)
			if !ours || strings.Trim(rest, ".-0123456789") != "" {
				continue
			}
			info, err := entry.Info()
			require.NoError(t, err)
			if info.Size() > 0 {
				files = append(files, info)
			}
		}
	}
	return files
}
