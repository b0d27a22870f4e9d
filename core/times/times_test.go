package times

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/sandbox"
)

var began = time.UnixMilli(1_800_000_000_000)

// bed is a directory with an index.
type bed struct {
	*testing.T
	path   string
	config Config
}

func newBed(t *testing.T) *bed {
	path := t.TempDir()
	dir, err := sandbox.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = dir.Close() })
	return &bed{t, path, Config{Dir: dir, Name: "stdout.times", Prefix: ".stdout.sluice-new-", Resolution: 100 * time.Millisecond, Mode: 0o640}}
}

func (b *bed) open(position int64, live Live, now time.Time) *Writer {
	w, err := Open(b.config, position, live, false, now)
	require.NoError(b, err)
	b.Cleanup(func() { _ = w.Close() })
	return w
}

func (b *bed) read() *Index {
	x, err := Read(b.file())
	require.NoError(b, err)
	return x
}

func (b *bed) file() (*os.File, int64) {
	f, err := os.Open(filepath.Join(b.path, "stdout.times"))
	require.NoError(b, err)
	b.Cleanup(func() { _ = f.Close() })
	info, err := f.Stat()
	require.NoError(b, err)
	return f, info.Size()
}

// at gives the moment of a position, relative to when the test began.
func (b *bed) at(x *Index, position int64) (earliest, latest time.Duration) {
	s, ok, err := x.At(position)
	require.NoError(b, err)
	require.True(b, ok, "position %d", position)
	require.True(b, s.Begin <= position && position < s.End)
	return s.Earliest.Sub(began), s.Latest.Sub(began)
}

func (b *bed) exactly(x *Index, position int64, want time.Duration) {
	b.Helper()
	earliest, latest := b.at(x, position)
	assert.Equal(b, want, latest)
	assert.Equal(b, want, earliest)
}

func after(ms int64) time.Time { return began.Add(time.Duration(ms) * time.Millisecond) }

func TestBytesHaveTheTimeAtWhichTheyWereMoved(t *testing.T) {
	b := newBed(t)
	w := b.open(0, Live{0, 7}, began)
	w.Moved(10, after(1000))
	w.Moved(20, after(1030)) // in the same slot: told apart no more
	w.Moved(30, after(1110))
	require.NoError(t, w.Flush())
	w.Moved(40, after(5000).Add(time.Microsecond))
	require.NoError(t, w.Flush())
	assert.False(t, w.Owes())

	x := b.read()
	b.exactly(x, 0, 1030*time.Millisecond)
	b.exactly(x, 19, 1030*time.Millisecond)
	b.exactly(x, 20, 1110*time.Millisecond)
	b.exactly(x, 39, 5001*time.Millisecond)
	_, ok, err := x.At(40)
	require.NoError(t, err)
	assert.False(t, ok)
	info, err := os.Stat(filepath.Join(b.path, "stdout.times"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o640), info.Mode().Perm())
}

// What still grows is in the file after each Flush, and grows there.
func TestTheLastEntryIsWrittenOver(t *testing.T) {
	b := newBed(t)
	w := b.open(0, Live{0, 7}, began)
	for i := range int64(50) {
		w.Moved(i+1, after(i*2)) // all within one slot
		require.NoError(t, w.Flush())
		x := b.read()
		b.exactly(x, 0, time.Duration(i)*2*time.Millisecond)
		b.exactly(x, i, time.Duration(i)*2*time.Millisecond)
	}
	assert.Less(t, w.Bytes(), int64(headerBytes+atOnceBytes))
}

func TestWhatCameWhileNobodyToldIsBetween(t *testing.T) {
	b := newBed(t)
	w := b.open(0, Live{0, 7}, began)
	w.Moved(10, after(1000))
	require.NoError(t, w.Flush())
	w.Moved(20, after(1500)) // and the process is killed
	require.NoError(t, w.release())

	w = b.open(25, Live{0, 7}, after(9000))
	w.Moved(30, after(9010))
	w.Moved(40, after(9500))
	require.NoError(t, w.Flush())
	x := b.read()
	b.exactly(x, 9, time.Second)
	earliest, latest := b.at(x, 10)
	assert.Equal(t, time.Second, earliest)
	assert.Equal(t, 9*time.Second, latest)
	earliest, latest = b.at(x, 25)
	assert.Equal(t, 9*time.Second, earliest)
	assert.Equal(t, 9010*time.Millisecond, latest)
	b.exactly(x, 30, 9500*time.Millisecond)
}

// Where positions begin with each process those of the index go on.
func TestPositionsThatBeginAnew(t *testing.T) {
	b := newBed(t)
	b.config.Anew = true
	w := b.open(0, Live{-50, 7}, began) // the file had 50 bytes before
	w.Moved(100, after(1000))
	require.NoError(t, w.Close())
	require.NoError(t, w.Flush())
	require.NoError(t, w.Close())

	w = b.open(0, Live{-155, 7}, after(2000)) // and five that the index does not know
	assert.Equal(t, Live{-155, 7}, w.Live())
	w.Moved(10, after(2100))
	w.Begins(Live{10, 8}, true)
	w.Moved(30, after(3000))
	require.NoError(t, w.Flush())
	require.NoError(t, w.Close())

	w = b.open(0, Live{-40, 9}, after(4000)) // another file by now
	w.Moved(1, after(5000))
	require.NoError(t, w.Flush())
	x := b.read()
	b.exactly(x, 99, time.Second)
	earliest, latest := b.at(x, 104)
	assert.Equal(t, time.Second, earliest)
	assert.Equal(t, 2*time.Second, latest)
	b.exactly(x, 134, 3*time.Second)
	files, err := x.Files(3)
	require.NoError(t, err)
	assert.Equal(t, []File{{135, 176, 9}, {115, 135, 8}, {-50, 115, 7}}, files)
}

func TestFilesAreThoseOfTheSeries(t *testing.T) {
	b := newBed(t)
	w := b.open(0, Live{-5, 1}, began) // it had five bytes before
	w.Moved(100, after(100))
	w.Begins(Live{90, 2}, true) // ten bytes were carried over
	w.Moved(200, after(200))
	w.Begins(Live{200, 3}, false) // the task has removed it
	w.Moved(300, after(300))
	w.Begins(Live{300, 4}, true)
	w.Moved(310, after(400))
	w.Begins(Live{305, 4}, false) // the task has cut it
	require.NoError(t, w.Flush())
	files, err := b.read().Files(10)
	require.NoError(t, err)
	assert.Equal(t, []File{{305, 310, 4}, {200, 300, 3}, {-5, 90, 1}}, files)
	files, err = b.read().Files(2)
	require.NoError(t, err)
	assert.Equal(t, []File{{305, 310, 4}, {200, 300, 3}}, files)

	w = b.open(310, Live{310, 5}, after(500)) // it was rotated by somebody else
	require.NoError(t, w.Flush())
	files, err = b.read().Files(2)
	require.NoError(t, err)
	assert.Equal(t, []File{{310, 310, 5}, {305, 310, 4}}, files)
}

func TestTheClockIsShownAsItWas(t *testing.T) {
	b := newBed(t)
	w := b.open(0, Live{0, 7}, began)
	w.Moved(10, after(100_000))
	w.Moved(20, after(99_500)) // a small step makes it stand still
	w.Moved(30, after(40_000))
	w.Moved(40, after(41_000))
	require.NoError(t, w.Flush())
	x := b.read()
	b.exactly(x, 0, 100*time.Second)
	b.exactly(x, 10, 100*time.Second)
	b.exactly(x, 20, 40*time.Second)
	b.exactly(x, 30, 41*time.Second)
}

// Whatever a task makes of its index, the writer goes on, with a new one if need be.
func TestAGarbledIndexIsBegunAnew(t *testing.T) {
	whole := func(text []byte) []byte { return text }
	for name, spoil := range map[string]func([]byte) []byte{
		"empty":       func([]byte) []byte { return nil },
		"text":        func([]byte) []byte { return []byte("hello\n") },
		"long":        func([]byte) []byte { return make([]byte, 1<<20) },
		"header":      func(text []byte) []byte { text[9] ^= 1; return text },
		"cut":         func(text []byte) []byte { return text[:headerBytes-1] },
		"from ahead":  whole, // it tells of more than was ever written
		"half a page": func(text []byte) []byte { return append(text, make([]byte, 2*pageBytes)...) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			w := b.open(0, Live{0, 7}, began)
			w.Moved(1000, after(1000))
			require.NoError(t, w.Flush())
			path := filepath.Join(b.path, "stdout.times")
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, spoil(text), 0o600))

			w = b.open(500, Live{0, 7}, after(2000))
			w.Moved(600, after(3000))
			require.NoError(t, w.Flush())
			x := b.read()
			b.exactly(x, 550, 3*time.Second)
			_, ok, err := x.At(499)
			require.NoError(t, err)
			assert.False(t, ok)
		})
	}
}

func TestWhatHasTheNameIsReplaced(t *testing.T) {
	b := newBed(t)
	target := filepath.Join(t.TempDir(), "other")
	require.NoError(t, os.WriteFile(target, []byte("mine"), 0o600))
	w, err := Open(b.config, 0, Live{0, 7}, true, began)
	require.NoError(t, err)
	require.NoError(t, os.Symlink(target, filepath.Join(b.path, "stdout.times")))
	w.Moved(10, after(1000))
	require.NoError(t, w.Flush())
	require.NoError(t, w.Close())
	b.exactly(b.read(), 5, time.Second)
	kept, err := os.ReadFile(target)
	require.NoError(t, err)
	assert.Equal(t, "mine", string(kept))
}

// An error costs the times until the next Flush, and nothing else.
func TestAfterAnErrorBytesAreBetween(t *testing.T) {
	b := newBed(t)
	w := b.open(0, Live{0, 7}, began)
	w.Moved(10, after(1000))
	require.NoError(t, w.Flush())
	name := filepath.Join(b.path, "stdout.times")
	require.NoError(t, w.file.Close()) // the next write fails
	w.Moved(20, after(2000))
	w.Begins(Live{15, 8}, true)
	w.Moved(30, after(2500))
	require.Error(t, w.Flush())
	assert.True(t, w.Owes())
	w.Moved(40, after(3000))
	require.NoError(t, w.Flush())
	_, err := os.Stat(name)
	require.NoError(t, err)
	x := b.read()
	b.exactly(x, 9, time.Second)
	earliest, latest := b.at(x, 39)
	assert.Equal(t, time.Second, earliest)
	assert.Equal(t, 3*time.Second, latest)
	files, err := x.Files(2)
	require.NoError(t, err)
	assert.Equal(t, []File{{15, 40, 8}, {0, 15, 7}}, files)
}

// told is what a test has told a Writer.
type told struct {
	begin, end int64
	at         time.Time
}

// However fast and slow a log is written, each byte has a time that is not before it was
// moved and not more than the resolution after, while there is room for that; and the index
// takes no more than its share.
func TestTimesOverManyPages(t *testing.T) {
	b := newBed(t)
	r := rand.New(rand.NewPCG(1, 2))
	var all []told
	position, now := int64(1<<40), began
	w := b.open(position, Live{position, 7}, now)
	inode := uint64(7)
	for range 50_000 {
		n := 1 + r.Int64N(4000)
		now = now.Add(time.Duration(r.Int64N(400)) * time.Millisecond)
		all = append(all, told{position, position + n, now})
		position += n
		w.Moved(position, now)
		if r.IntN(10) == 0 {
			require.NoError(t, w.Flush())
		}
		if r.IntN(100) == 0 {
			inode++
			w.Begins(Live{position, inode}, true)
		}
	}
	require.NoError(t, w.Flush())
	require.Greater(t, w.Bytes(), int64(20*pageBytes))
	assert.LessOrEqual(t, w.Bytes(), (position-1<<40)/share+(leastPages+1)*pageBytes)

	x := b.read()
	for _, i := range r.Perm(len(all))[:5000] {
		l := all[i]
		s, ok, err := x.At(l.begin + r.Int64N(l.end-l.begin))
		require.NoError(t, err)
		require.True(t, ok)
		require.False(t, s.Latest.Before(l.at), "before it was moved")
		require.LessOrEqual(t, s.Latest.Sub(l.at), 100*time.Millisecond)
		require.True(t, s.Exact())

		from, ok, err := x.Since(s.Latest)
		require.NoError(t, err)
		require.True(t, ok)
		require.LessOrEqual(t, from, l.begin)
		if from > 1<<40 {
			before, _, err := x.At(from - 1)
			require.NoError(t, err)
			require.True(t, before.Latest.Before(s.Latest))
		}
	}
	_, ok, err := x.Since(now.Add(time.Second))
	require.NoError(t, err)
	assert.False(t, ok)
	files, err := x.Files(1 << 20)
	require.NoError(t, err)
	require.Len(t, files, int(inode-7+1))
	for i, file := range files {
		require.Equal(t, inode-uint64(i), file.Inode)
		if i > 0 {
			require.Equal(t, files[i-1].Begin, file.End)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte{}, int64(0))
	f.Add([]byte("\x09\x05\x12\x07\x03\x02\x09\x01"), int64(100))
	f.Fuzz(func(t *testing.T, page []byte, position int64) {
		h := header{resolutionMS: 100, position: position}.append(nil)
		text := append(h, page...)
		path := filepath.Join(t.TempDir(), "x")
		require.NoError(t, os.WriteFile(path, text, 0o600))
		file, err := os.Open(path)
		require.NoError(t, err)
		defer file.Close()
		x, err := Read(file, int64(len(text)))
		if err != nil {
			return
		}
		for i, s := range x.spans {
			require.Less(t, s.Begin, s.End)
			require.True(t, i == 0 || s.Begin == x.spans[i-1].End)
		}
		_, _, _ = x.At(position)
		_, _, _ = x.Since(began)
		_, _ = x.Files(10)
	})
}
