package times

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFilesAreFoundByTheirNumbers(t *testing.T) {
	b := newBed(t)
	position, now, inode := int64(0), began, uint64(1)
	w := b.open(position, Live{0, inode}, now)
	var want []File
	for i := range uint64(3000) {
		begin := w.Live().Begin
		position, now, inode = position+20, now.Add(time.Second), inode+1
		w.Moved(position, now)
		stays := i%7 != 3 // else the task has removed it
		if stays {
			want = append(want, File{begin, position - 5, inode - 1})
		}
		w.Begins(Live{position - 5, inode}, stays) // five bytes are carried over
	}
	require.NoError(t, w.Flush())
	x := b.read()
	require.Greater(t, x.pages, int64(5))
	require.Equal(t, uint64(len(want)), x.Newest())
	for _, i := range []int{0, 1, 2, 700, 701, len(want) - 2, len(want) - 1} {
		f, ok, err := x.File(uint64(i))
		require.NoError(t, err)
		require.True(t, ok)
		assert.Equal(t, want[i], f)
		turn, ok, err := x.Turn(uint64(i))
		require.NoError(t, err)
		require.True(t, ok)
		assert.Equal(t, f.End+5, turn)
	}
	f, ok, err := x.File(x.Newest())
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Equal(t, File{position - 5, position, inode}, f)
	for _, unknown := range []uint64{x.Newest() + 1, 1<<64 - 1} {
		_, ok, err = x.File(unknown)
		require.NoError(t, err)
		assert.False(t, ok)
	}
}

func TestWhatCameAfterATime(t *testing.T) {
	b := newBed(t)
	w := b.open(5, Live{0, 7}, began)
	w.Moved(10, after(1000))
	w.Moved(20, after(2000))
	require.NoError(t, w.Flush())
	require.NoError(t, w.release())
	w = b.open(30, Live{0, 7}, after(9000)) // ten bytes came between
	w.Moved(40, after(9500))
	require.NoError(t, w.Flush())
	x := b.read()
	for ms, want := range map[int64]int64{-1: 5, 0: 5, 999: 5, 1000: 10, 1999: 10, 2000: 20, 2001: 30, 8999: 30, 9000: 30, 9499: -1, 9500: -1} {
		position, ok, err := x.After(after(ms))
		require.NoError(t, err)
		assert.Equal(t, want >= 0, ok, ms)
		if ok {
			assert.Equal(t, want, position, ms)
		}
	}
	assert.Equal(t, began, x.Begun())
	assert.Equal(t, after(9500), x.Told())
	assert.Equal(t, 100*time.Millisecond, x.Resolution())
}
