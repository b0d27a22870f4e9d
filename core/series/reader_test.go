package series

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/sandbox"
	"sluice/core/series/logtest"
)

// policies are those whose series must read as what was written.
var policies = []string{
	"rotate 100",
	"rotate 100\nstart 0",
	"rotate -1\nstart 7",
	"rotate 100\ncompress",
	"rotate 100\ncompress\ndelaycompress",
	"rotate 100\ncompress\ncompresscmd zstd",
	"rotate 100\ncompress\ncompresscmd xz",
	"rotate 100\ncompress\ncompresscmd nice pbzip2\ncompressext .bz2",
	"rotate 100\ncompress\ncompressext .z",
	"rotate 100\ndateext",
	"rotate 100\ndateext\ncompress",
	"rotate 100\ndateext\ndateformat .%d-%m-%Y-%s",
	"rotate 100\nextension out\ncompress",
	"rotate 100\naddextension .log",
	"rotate 100\nolddir old\ncreateolddir",
	"rotate 100\nolddir a/b\ncreateolddir\ndateext\ncompress",
	"rotate 100\ncopytruncate",
}

func TestReadsWhatWasWrittenWhateverThePolicy(t *testing.T) {
	for _, options := range policies {
		t.Run(options, func(t *testing.T) {
			l := logtest.New(t, options, 1024)
			for day := range 5 {
				l.Now = l.Now.Add(26 * time.Hour)
				l.Lines(day*200+1, day*200+200)
				if day%2 == 0 {
					l.Compress()
				}
			}
			var out bytes.Buffer
			r, notices := read(t, seriesOf(l, options))
			require.NoError(t, r.Copy(t.Context(), &out))
			assert.Equal(t, numbered(1, 1000), out.String())
			assert.Empty(t, *notices)
		})
	}
}

func TestLastLines(t *testing.T) {
	for _, options := range policies {
		t.Run(options, func(t *testing.T) {
			l := logtest.New(t, options, 256)
			l.Lines(1, 199)
			l.Compress()
			l.Lines(200, 300)
			s := seriesOf(l, options)
			for _, lines := range []int{0, 1, 2, 15, 16, 17, 40, 155, 299, 300, 1000} {
				var out bytes.Buffer
				r, _ := read(t, s)
				require.NoError(t, r.Last(int64(lines)))
				require.NoError(t, r.Copy(t.Context(), &out))
				assert.Equal(t, numbered(max(1, 301-lines), 300), out.String(), "%d lines", lines)
			}
		})
	}
}

func TestLastLineWithoutNewline(t *testing.T) {
	l := logtest.New(t, "rotate 9", 100)
	l.Lines(1, 12)
	l.Write("prompt> ")
	for lines, want := range map[int64]string{
		0: "", 1: "prompt> ", 2: numbered(12, 12) + "prompt> ", 12: numbered(2, 12) + "prompt> ", 20: numbered(1, 12) + "prompt> ",
	} {
		var out bytes.Buffer
		r, _ := read(t, seriesOf(l, "rotate 9"))
		require.NoError(t, r.Last(lines))
		require.NoError(t, r.Copy(t.Context(), &out))
		assert.Equal(t, want, out.String(), "%d lines", lines)
	}
}

func TestSinceLeavesOutOlderFiles(t *testing.T) {
	l := logtest.New(t, "rotate 9", 160)
	l.Lines(1, 35)
	then := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for i, name := range []string{"stdout.3", "stdout.2", "stdout.1", "stdout"} {
		at := then.Add(time.Duration(i) * time.Hour)
		require.NoError(t, os.Chtimes(filepath.Join(l.Dir, name), at, at))
	}
	for _, c := range []struct {
		since time.Duration
		from  int
	}{{-time.Hour, 1}, {0, 1}, {time.Minute, 11}, {time.Hour, 11}, {61 * time.Minute, 21}, {3 * time.Hour, 31}, {4 * time.Hour, 36}} {
		var out bytes.Buffer
		r, _ := read(t, seriesOf(l, "rotate 9"))
		require.NoError(t, r.Since(then.Add(c.since)))
		require.NoError(t, r.Copy(t.Context(), &out))
		assert.Equal(t, numbered(c.from, 35), out.String(), c.since)
	}
}

// A compression under way has both files, and one more under a temporary name.
func TestCompressionUnderWayCountsOnce(t *testing.T) {
	const options = "rotate 9\ncompress"
	l := logtest.New(t, options, 160)
	l.Lines(1, 35)
	plain, err := os.ReadFile(filepath.Join(l.Dir, "stdout.2"))
	require.NoError(t, err)
	info, err := os.Stat(filepath.Join(l.Dir, "stdout.2"))
	require.NoError(t, err)
	l.Compress()
	require.NoError(t, os.WriteFile(filepath.Join(l.Dir, "stdout.2"), plain, 0o644))
	require.NoError(t, os.Chtimes(filepath.Join(l.Dir, "stdout.2"), info.ModTime(), info.ModTime()))
	require.NoError(t, os.WriteFile(filepath.Join(l.Dir, ".stdout.sluice-tmp.4711.out"), []byte("half"), 0o644))
	listing, err := seriesOf(l, options).Look()
	require.NoError(t, err)
	var names []string
	for _, file := range listing.Files {
		names = append(names, file.Name)
	}
	assert.Equal(t, []string{"stdout.3.gz", "stdout.2", "stdout.1.gz", "stdout"}, names)
}

// The live file of a compressed series soon has the inode number again of one before: a
// listing amid which that happens is none of one moment.
func TestLookNoticesRotationsThoughInodesComeBack(t *testing.T) {
	const options = "rotate 9\ncompress"
	l := logtest.New(t, options, 160)
	l.Lines(1, 35)
	inode := func() uint64 {
		info, err := sandbox.StatFile(l.Live)
		require.NoError(t, err)
		return info.Inode
	}
	before, calls := inode(), 0
	listing, err := seriesOf(l, options).lookAnd(func(Listing) (bool, error) {
		calls++
		for line := 0; calls == 1 && line < 1000 && (line < 10 || inode() != before); line += 10 {
			l.Lines(line, line+9)
			l.Compress()
		}
		return true, nil
	})
	require.NoError(t, err)
	assert.Equal(t, 2, calls)
	assert.Equal(t, inode(), listing.Files[len(listing.Files)-1].Inode)
}

// A rotation that was broken off has the live file under a reserved name.
func TestTakenLiveFileIsRead(t *testing.T) {
	l := logtest.New(t, "rotate 9", 160)
	l.Lines(1, 35)
	require.NoError(t, os.Rename(filepath.Join(l.Dir, "stdout"), filepath.Join(l.Dir, ".stdout.sluice-tmp.taken")))
	var out bytes.Buffer
	r, _ := read(t, seriesOf(l, "rotate 9"))
	require.NoError(t, r.Copy(t.Context(), &out))
	assert.Equal(t, numbered(1, 35), out.String())
}

// What stands under a name of the series and is no file of the logger's is not opened.
func TestHostileNamesAreLeftOut(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("secret\n"), 0o600))
	plants := map[string]func(path string) error{
		"symbolic link": func(path string) error { return os.Symlink(secret, path) },
		"hard link":     func(path string) error { return os.Link(secret, path) },
		"directory":     func(path string) error { return os.Mkdir(path, 0o755) },
		"FIFO":          func(path string) error { return unix.Mkfifo(path, 0o666) },
		"socket":        func(path string) error { return unix.Mknod(path, unix.S_IFSOCK|0o666, 0) },
	}
	for name, plant := range plants {
		t.Run(name, func(t *testing.T) {
			l := logtest.New(t, "rotate 9", 160)
			l.Lines(1, 35)
			require.NoError(t, os.Remove(filepath.Join(l.Dir, "stdout.2")))
			require.NoError(t, plant(filepath.Join(l.Dir, "stdout.2")))
			s := seriesOf(l, "rotate 9")
			var out bytes.Buffer
			r, _ := read(t, s)
			require.NoError(t, r.Copy(t.Context(), &out))
			assert.Equal(t, numbered(1, 10)+numbered(21, 35), out.String())
			listing, err := s.Look()
			require.NoError(t, err)
			require.Len(t, listing.Impostors, 1)
			assert.Equal(t, "stdout.2", listing.Impostors[0].Name)
		})
		t.Run(name+" as the only file", func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, plant(filepath.Join(dir, "stdout")))
			_, err := openSeries(t, dir, "rotate 9").Read()
			require.ErrorIs(t, err, os.ErrNotExist)
			assert.ErrorContains(t, err, `"stdout" is not a log file but `)
		})
	}
}

func TestDamagedFileIsSaidAndTheRestRead(t *testing.T) {
	const options = "rotate 9\ncompress"
	for name, content := range map[string]string{"empty": "", "no gzip": "plain text", "cut": "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b"} {
		t.Run(name, func(t *testing.T) {
			l := logtest.New(t, options, 160)
			l.Lines(1, 35)
			l.Compress()
			require.NoError(t, os.WriteFile(filepath.Join(l.Dir, "stdout.2.gz"), []byte(content), 0o644))
			var out bytes.Buffer
			r, notices := read(t, seriesOf(l, options))
			require.ErrorIs(t, r.Copy(t.Context(), &out), ErrIncomplete)
			assert.Equal(t, numbered(1, 10)+numbered(21, 35), out.String())
			require.Len(t, *notices, 1)
			assert.Contains(t, (*notices)[0], "stdout.2.gz cannot be read beyond its byte 0: ")
		})
	}
}

// Files that rotations rename, compress and remove while the first ones are read.
func TestReadsOnWhileTheSeriesMoves(t *testing.T) {
	const options = "rotate 150\ncompress"
	l := logtest.New(t, options, 160)
	l.Lines(1, 1205)
	r, notices := read(t, seriesOf(l, options))
	at := 0
	require.NoError(t, r.Copy(t.Context(), writerFunc(func(p []byte) (int, error) {
		if at == 50*160 {
			l.Compress()
			l.Lines(1206, 1405)
		}
		assert.Equal(t, numbered(1, 1405)[at:at+len(p)], string(p), "at %d", at)
		at += len(p)
		return len(p), nil
	})))
	assert.Equal(t, len(numbered(1, 1205)), at)
	assert.Empty(t, *notices)
}

// What the retention takes before it is read is said, with its amount.
func TestMissingFilesAreSaid(t *testing.T) {
	const options = "rotate 200"
	l := logtest.New(t, options, 160)
	l.Lines(1, 2000) // 199 rotated files and the live one
	r, notices := read(t, seriesOf(l, options))
	var out bytes.Buffer
	err := r.Copy(t.Context(), writerFunc(func(p []byte) (int, error) {
		if out.Len() == 0 {
			l.Lines(2001, 3400) // takes 139 of them
		}
		return out.Write(p)
	}))
	require.ErrorIs(t, err, ErrIncomplete)
	// 63 were held beside the live one.
	assert.Equal(t, numbered(1, 630)+numbered(1391, 2000), out.String())
	assert.Equal(t, []string{fmt.Sprintf("76 files were removed before being read: %d bytes are missing here", 76*160)}, *notices)
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
