package pump

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// packets gives a pipe in packet mode, as a task can make its own, with what it holds:
// packets of many lengths, and lines of any.
func packets(t *testing.T, text string) (reader int) {
	t.Helper()
	reader, writer := pipe(t)
	require.NoError(t, unix.SetNonblock(int(writer.Fd()), true))
	flags, err := unix.FcntlInt(writer.Fd(), unix.F_GETFL, 0)
	require.NoError(t, err)
	_, err = unix.FcntlInt(writer.Fd(), unix.F_SETFL, flags|unix.O_DIRECT)
	require.NoError(t, err)
	for at, length := 0, 1; at < len(text); length = length*5%4093 + 1 {
		n, err := unix.Write(int(writer.Fd()), []byte(text[at:min(at+length, len(text))]))
		require.NoError(t, err)
		at += n
	}
	require.Equal(t, len(text), Buffered(reader))
	return reader
}

// TestPacketsAreBytesLikeOthers does all that is done with a pipe to one in packet mode:
// read(2) takes one packet, and forgets what of it does not fit.
func TestPacketsAreBytesLikeOthers(t *testing.T) {
	const length = 200_000
	long := strings.Repeat("0123456789", length/10)
	lined := strings.Repeat(strings.Repeat("x", 70)+"\n", length/71)
	last := func(text string, room int) int { return strings.LastIndexByte(text[:min(room, len(text))], '\n') + 1 }
	for name, text := range map[string]string{"no newline": long, "lines": lined, "an early newline": "a\n" + long} {
		for _, room := range []int{1, 5000, 66_000, 131_073, 190_001} {
			t.Run(fmt.Sprintf("%s, room for %d", name, room), func(t *testing.T) {
				reader, scratch := packets(t, text), scratchOf(t)
				lines, seen, err := scratch.WholeLines(reader, room)
				require.NoError(t, err)
				assert.LessOrEqual(t, seen, room)
				assert.Equal(t, last(text, seen), lines)
				count, ended, err := scratch.FirstLine(reader, room)
				require.NoError(t, err)
				if first := strings.IndexByte(text[:min(room, len(text))], '\n') + 1; first > 0 {
					assert.Equal(t, first, count)
					assert.True(t, ended)
				}
				require.Equal(t, len(text), Buffered(reader), "nothing was taken out")

				var got bytes.Buffer
				taken, err := scratch.Discard(reader, room, func(chunk []byte) { got.Write(chunk) })
				require.NoError(t, err)
				require.Equal(t, room, taken)
				require.Equal(t, text[:room], got.String())
				f := file(t)
				moved := 0
				for moved < len(text)-room && err == nil {
					var n int
					n, err = scratch.copyThrough(reader, int(f.Fd()), int64(moved), 5001)
					moved += n
				}
				require.NoError(t, err)
				require.Equal(t, text[room:], contents(t, f))
			})
		}
	}
}

// TestAThreadNeedsDescriptorsOnce: a look needs none, once the thread has its own.
func TestAThreadNeedsDescriptorsOnce(t *testing.T) {
	reader, writer := pipe(t)
	scratch := scratchOf(t)
	text := strings.Repeat("line\n", 40_000)
	f := file(t)
	use := func() {
		_, err := scratch.Ready(reader)
		require.ErrorIs(t, err, ErrEmpty)
		_, err = writer.WriteString(text)
		require.NoError(t, err)
		_, _, err = scratch.WholeLines(reader, len(text)-1)
		require.NoError(t, err)
		_, _, err = scratch.FirstLine(reader, len(text))
		require.NoError(t, err)
		_, err = scratch.copyThrough(reader, int(f.Fd()), 0, 1000)
		require.NoError(t, err)
		n, err := scratch.Discard(reader, len(text), func([]byte) {})
		require.ErrorIs(t, err, ErrEmpty)
		require.Equal(t, len(text)-1000, n)
	}
	use()
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	few := limit
	few.Cur = 0
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &few))
	defer func() { require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)) }()
	use()
	_, err := (&Scratch{}).Ready(reader)
	require.ErrorIs(t, err, unix.EMFILE)
}

// TestAFaultLeavesTheScratchPipeEmpty: the next look is at the container's bytes alone.
func TestAFaultLeavesTheScratchPipeEmpty(t *testing.T) {
	reader, writer := pipe(t)
	scratch := scratchOf(t)
	_, err := writer.WriteString("lost\nkept\n")
	require.NoError(t, err)
	func() {
		defer func() { _ = recover() }()
		_, _ = scratch.Discard(reader, 5, func([]byte) { panic("injected") })
	}()
	lines, _, err := scratch.WholeLines(reader, 100)
	require.NoError(t, err)
	assert.Equal(t, 5, lines)
	require.NoError(t, writer.Close())
	_, err = scratch.Discard(reader, 100, func([]byte) {})
	require.ErrorIs(t, err, io.EOF)
}
