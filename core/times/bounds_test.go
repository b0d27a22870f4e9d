package times

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/logformat"
)

// Where lines are short and seldom there is no room for an entry each.
func TestTheIndexTakesItsShareAtMost(t *testing.T) {
	b := newBed(t)
	position, now := int64(0), began
	w := b.open(position, Live{0, 7}, now)
	for range 100_000 {
		position, now = position+2, now.Add(3*time.Second)
		w.Moved(position, now)
		require.NoError(t, w.Flush())
	}
	assert.LessOrEqual(t, w.Bytes(), position/share+leastPages*pageBytes+atOnceBytes)
	x := b.read()
	b.exactly(x, position-1, now.Sub(began))
	s, ok, err := x.At(position / 2)
	require.NoError(t, err)
	require.True(t, ok)
	assert.False(t, s.Latest.Before(began.Add(now.Sub(began)/2)))
}

func TestTrimKeepsWhatTellsOfFilesThatAreThere(t *testing.T) {
	b := newBed(t)
	position, now, inode := int64(0), began, uint64(1)
	w := b.open(position, Live{0, inode}, now)
	var begins []int64
	for range 2000 {
		begins = append(begins, position)
		for range 50 {
			position, now = position+1000, now.Add(100*time.Millisecond)
			w.Moved(position, now)
		}
		inode++
		w.Begins(Live{position, inode}, true)
		require.NoError(t, w.Flush())
		require.NoError(t, w.Trim(3))
		require.LessOrEqual(t, w.Bytes(), logformat.TimesMostBytes(4*50*1000))

		x := b.read()
		oldest := begins[max(0, len(begins)-3)]
		_, ok, err := x.At(oldest)
		require.NoError(t, err)
		require.True(t, ok)
		files, err := x.Files(4)
		require.NoError(t, err)
		require.Len(t, files, min(4, len(begins)+1))
		require.Equal(t, oldest, files[len(files)-1].Begin)
	}
	found, err := os.ReadDir(b.path)
	require.NoError(t, err)
	assert.Len(t, found, 1)
	w = b.open(position+1, Live{position, inode}, now)
	require.NoError(t, w.Flush())
	_, end := b.read().Bounds()
	assert.Equal(t, position+1, end)
}

// A task that cuts or removes its own log again and again has a series that never grows: the
// older half of an index goes then, so that it stays within its bound, and tells of the latest.
func TestTheIndexOfALogThatIsCutIsBounded(t *testing.T) {
	const most = 64 << 10
	for name, inode := range map[string]func(i uint64) uint64{
		"cut":     func(uint64) uint64 { return 1 },
		"removed": func(i uint64) uint64 { return i },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			b.config.MostBytes = most
			position, now := int64(0), began
			w := b.open(position, Live{0, inode(1)}, now)
			for i := range uint64(20_000) {
				position, now = position+200, now.Add(time.Second)
				w.Moved(position, now)
				w.Begins(Live{position, inode(i + 2)}, false)
				require.NoError(t, w.Flush())
				require.NoError(t, w.Trim(0))
				require.LessOrEqual(t, w.Bytes(), int64(most))
			}
			x := b.read()
			b.exactly(x, position-1, now.Sub(began))
			b.exactly(x, position-200*1000, now.Sub(began)-999*time.Second)
			files, err := x.Files(1)
			require.NoError(t, err)
			assert.Equal(t, []File{{position, position, inode(20_001)}}, files)
		})
	}
}

// A task that makes its index long, with holes at no cost, is not believed.
func TestAnIndexOverItsBoundIsBegunAnew(t *testing.T) {
	b := newBed(t)
	b.config.MostBytes = 64 << 10
	w := b.open(0, Live{0, 7}, began)
	w.Moved(10, after(1000))
	require.NoError(t, w.Close())
	require.NoError(t, w.Flush())
	f, _ := b.file()
	page, err := readPage(f, 0)
	require.NoError(t, err)
	long, err := os.OpenFile(f.Name(), os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = long.WriteAt(page, 1<<40)
	require.NoError(t, err)
	require.NoError(t, long.Close())

	w = b.open(10, Live{0, 7}, after(2000))
	assert.LessOrEqual(t, w.Bytes(), int64(pageBytes))
	w.Moved(20, after(3000))
	require.NoError(t, w.Flush())
	b.exactly(b.read(), 15, 3*time.Second)
}
