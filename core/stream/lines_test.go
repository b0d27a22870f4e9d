package stream

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sluicepb "sluice/proto"
)

// counting is a stream with a live file of so many lines of ten bytes, and nothing else.
func counting(t *testing.T, lines, flags int) *Stream {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stdout")
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("nine more\n"), lines), 0o600))
	f, err := os.OpenFile(path, flags, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	s := &Stream{live: liveFile{file: f, fd: int(f.Fd())}}
	s.Now, s.Log = time.Now, slog.New(slog.DiscardHandler)
	s.CountLines, s.Settings.MaxBytes = true, 10<<20
	s.resumeLines(&sluicepb.Accounting{})
	return s
}

func TestLinesWaitForASecondOrAMebibyte(t *testing.T) {
	s := counting(t, 150_000, os.O_RDWR)
	at := time.Now()
	s.wrote(0, 1000)
	s.countWaiting(at)
	s.wrote(1000, 1000)
	s.countWaiting(at.Add(countEvery - 1))
	assert.Zero(t, s.Account().WrittenLines)
	s.countWaiting(at.Add(countEvery))
	assert.Equal(t, int64(200), s.Account().WrittenLines)

	s.countWaiting(at.Add(time.Hour)) // silence is no waiting
	s.wrote(2000, 1000)
	s.countWaiting(at.Add(2 * time.Hour))
	assert.Equal(t, int64(200), s.Account().WrittenLines)
	assert.False(t, s.CountOn())
	assert.Equal(t, int64(300), s.Account().WrittenLines)

	s.wrote(3000, countBytes)
	assert.Equal(t, int64((3000+countBytes)/10), s.Account().WrittenLines)
}

// What a kill left to count does not hold a worker thread up.
func TestLinesAreSettledPieceByPiece(t *testing.T) {
	s := counting(t, 1_000_000, os.O_RDWR)
	s.owesLines(100, 10_000_000)
	pieces := 1
	for s.CountOn() {
		assert.Equal(t, int64((100+pieces*quantumBytes)/10-10), s.Account().WrittenLines)
		pieces++
	}
	assert.Equal(t, 3, pieces)
	assert.Equal(t, int64(1_000_000-10), s.Account().WrittenLines)
}

// Where the file cannot be read the lines stay for the next time; a figure that would be
// wrong for ever is left out.
func TestLinesThatCannotBeRead(t *testing.T) {
	s := counting(t, 100, os.O_WRONLY)
	s.wrote(0, 1000)
	assert.False(t, s.CountOn(), "not again at once")
	require.ErrorContains(t, s.countAll(), "count lines: bad file descriptor")
	assert.True(t, s.Account().LinesKnown)

	readable := counting(t, 100, os.O_RDWR)
	s.live.file, s.live.fd = readable.live.file, readable.live.fd
	require.NoError(t, s.countAll())
	assert.Equal(t, int64(100), s.Account().WrittenLines)

	s.loseCount(os.ErrInvalid)
	assert.False(t, s.Account().LinesKnown)
	a := &sluicepb.Accounting{LiveInode: 1}
	s.noteLines(a)
	assert.Nil(t, a.WrittenLines)
	s.resumeLines(a)
	assert.False(t, s.Account().LinesKnown, "nor by the next owner")
}

// Lines that others put into the file, or took away, are not the container's.
func TestLinesOfOthers(t *testing.T) {
	s := counting(t, 100, os.O_RDWR)
	s.wrote(100, 200) // what was there before
	s.wrote(500, 100) // extended
	require.NoError(t, s.countAll())
	assert.Equal(t, int64(30), s.Account().WrittenLines)
	s.wrote(600, 400)
	require.NoError(t, s.live.file.Truncate(700))
	require.NoError(t, s.countAll())
	assert.Equal(t, int64(40), s.Account().WrittenLines)
	s.wrote(700, 100)
	require.NoError(t, s.live.file.Truncate(650))
	require.NoError(t, os.WriteFile(s.live.file.Name(), bytes.Repeat([]byte("\n"), 750), 0o600))
	s.wrote(650, 100)
	require.NoError(t, s.countAll())
	assert.Equal(t, int64(140), s.Account().WrittenLines)
}
