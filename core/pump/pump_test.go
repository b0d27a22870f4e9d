package pump

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// pipe gives both ends of a pipe whose reading end does not block.
func pipe(t testing.TB) (reader int, writer *os.File) {
	t.Helper()
	var fds [2]int
	require.NoError(t, unix.Pipe2(fds[:], unix.O_CLOEXEC))
	require.NoError(t, unix.SetNonblock(fds[0], true))
	_, err := unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, 1<<20)
	require.NoError(t, err)
	writer = os.NewFile(uintptr(fds[1]), "writer")
	t.Cleanup(func() {
		_ = unix.Close(fds[0])
		_ = writer.Close()
	})
	return fds[0], writer
}

// scratchOf gives a scratch pipe that ends with the test.
func scratchOf(t testing.TB) *Scratch {
	t.Helper()
	s := &Scratch{}
	t.Cleanup(s.Close)
	return s
}

func file(t testing.TB) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "live"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func contents(t *testing.T, f *os.File) string {
	t.Helper()
	data, err := os.ReadFile(f.Name())
	require.NoError(t, err)
	return string(data)
}

func TestSpliceMovesAtTheOffsetGiven(t *testing.T) {
	reader, writer := pipe(t)
	f := file(t)
	_, err := writer.WriteString("first line\nsecond line\n")
	require.NoError(t, err)

	n, err := scratchOf(t).Splice(reader, int(f.Fd()), 0, 11)
	require.NoError(t, err)
	assert.Equal(t, 11, n)
	assert.Equal(t, 12, Buffered(reader), "what was not asked for stays in the pipe")
	n, err = scratchOf(t).Splice(reader, int(f.Fd()), 11, 100)
	require.NoError(t, err)
	assert.Equal(t, 12, n)
	assert.Equal(t, "first line\nsecond line\n", contents(t, f))
}

func TestSpliceTellsEmptyFromEnded(t *testing.T) {
	reader, writer := pipe(t)
	f := file(t)
	_, err := scratchOf(t).Splice(reader, int(f.Fd()), 0, 10)
	require.ErrorIs(t, err, ErrEmpty)
	_, err = scratchOf(t).Ready(reader)
	require.ErrorIs(t, err, ErrEmpty)
	require.NoError(t, writer.Close())
	_, err = scratchOf(t).Splice(reader, int(f.Fd()), 0, 10)
	require.ErrorIs(t, err, io.EOF)
	_, err = scratchOf(t).Ready(reader)
	require.ErrorIs(t, err, io.EOF)
}

func TestReadyKnowsAFIFOThatNeverHadAWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, unix.Mkfifo(path, 0o600))
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	require.NoError(t, err)
	defer unix.Close(fd)
	_, err = scratchOf(t).Ready(fd)
	require.ErrorIs(t, err, io.EOF)
}

func TestFailedWriteLeavesTheBytesInThePipe(t *testing.T) {
	reader, writer := pipe(t)
	_, err := writer.WriteString("kept")
	require.NoError(t, err)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	defer full.Close()

	_, err = scratchOf(t).copyThrough(reader, int(full.Fd()), 0, 10)
	require.ErrorIs(t, err, unix.ENOSPC)
	assert.Equal(t, 4, Buffered(reader))
}

func TestCopyThroughMovesLikeSplice(t *testing.T) {
	reader, writer := pipe(t)
	f := file(t)
	want := strings.Repeat("0123456789abcde\n", 40<<10) // 640 KiB, ten chunks
	_, err := writer.WriteString(want)
	require.NoError(t, err)
	n, err := scratchOf(t).copyThrough(reader, int(f.Fd()), 0, len(want))
	require.NoError(t, err)
	assert.Equal(t, len(want), n)
	assert.Equal(t, want, contents(t, f))
	assert.Zero(t, Buffered(reader))
}

func TestSpliceFallsBackWhereTheFileRefuses(t *testing.T) {
	reader, writer := pipe(t)
	path := filepath.Join(t.TempDir(), "append")
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	require.NoError(t, err)
	defer f.Close()
	_, err = writer.WriteString("splice(2) refuses O_APPEND with EINVAL\n")
	require.NoError(t, err)
	n, err := scratchOf(t).Splice(reader, int(f.Fd()), 0, 100)
	require.NoError(t, err)
	assert.Equal(t, 39, n)
	assert.Equal(t, "splice(2) refuses O_APPEND with EINVAL\n", contents(t, f))
}

func TestWholeLines(t *testing.T) {
	long := strings.Repeat("x", 300<<10)
	for _, c := range []struct {
		name        string
		pipe        string
		room        int
		lines, seen int
	}{
		{"last newline that fits", "one\ntwo\nthree\n", 10, 8, 10},
		{"newline is the last byte of the room", "one\ntwo\n", 4, 4, 4},
		{"no newline in the room", "longer than that\n", 5, 0, 5},
		{"more room than bytes", "one\ntw", 100, 4, 6},
		{"newline long before the last chunk", "a\n" + long, 250 << 10, 2, 250 << 10},
		{"newline in the last chunk", long + "\nb", 1 << 20, 300<<10 + 1, 300<<10 + 2},
		{"none at all in several chunks", long, 200 << 10, 0, 200 << 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			reader, writer := pipe(t)
			_, err := writer.WriteString(c.pipe)
			require.NoError(t, err)
			scratch := scratchOf(t)
			for range 2 { // the second look proves that the first left all as it was
				lines, seen, err := scratch.WholeLines(reader, c.room)
				require.NoError(t, err)
				assert.Equal(t, c.lines, lines)
				assert.Equal(t, c.seen, seen)
			}
			assert.Equal(t, len(c.pipe), Buffered(reader))
			got := make([]byte, len(c.pipe))
			_, err = io.ReadFull(readerOf(reader), got)
			require.NoError(t, err)
			assert.Equal(t, c.pipe, string(got))
		})
	}
}

type readerOf int

func (r readerOf) Read(p []byte) (int, error) { return unix.Read(int(r), p) }

func TestDiscardShowsWhatGoes(t *testing.T) {
	reader, writer := pipe(t)
	want := bytes.Repeat([]byte("line\n"), 30000)
	_, err := writer.Write(want)
	require.NoError(t, err)
	var seen []byte
	n, err := scratchOf(t).Discard(reader, len(want), func(chunk []byte) { seen = append(seen, chunk...) })
	require.NoError(t, err)
	assert.Equal(t, len(want), n)
	assert.Equal(t, want, seen)
}

func TestPause(t *testing.T) {
	const capacity = 1 << 20
	for _, c := range []struct {
		name           string
		wished         time.Duration
		moved          int
		elapsed, pause time.Duration
	}{
		{"nothing came", 2 * time.Millisecond, 0, time.Millisecond, 2 * time.Millisecond},
		{"a trickle", 2 * time.Millisecond, 100, time.Millisecond, 2 * time.Millisecond},
		{"half the pipe in the wished pause", 4 * time.Millisecond, capacity / 2, 4 * time.Millisecond, 4 * time.Millisecond},
		{"half the pipe in less", 4 * time.Millisecond, capacity, 4 * time.Millisecond, 2 * time.Millisecond},
		{"much faster", 4 * time.Millisecond, capacity, 100 * time.Microsecond, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.pause, Pause(c.wished, c.moved, capacity, c.elapsed))
		})
	}
}

func TestSpliceAllocatesNothing(t *testing.T) {
	reader, writer := pipe(t)
	f := file(t)
	line := []byte("a line of a container\n")
	scratch := scratchOf(t)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		_, _ = unix.Write(int(writer.Fd()), line)
		_, _ = scratch.Splice(reader, int(f.Fd()), 0, 1<<20)
	}))
}
