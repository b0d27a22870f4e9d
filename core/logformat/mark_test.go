package logformat

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const lossMark = "[sluice] 2026-11-22T14:00:00.123Z lost 1048576 bytes in 8192 lines since 2026-11-22T13:59:58.001Z: no space left on device"

func TestParseMark(t *testing.T) {
	mark, ok := ParseMark([]byte(lossMark))
	require.True(t, ok)
	assert.Equal(t, Mark{
		At:    time.Date(2026, 11, 22, 14, 0, 0, 123e6, time.UTC),
		Since: time.Date(2026, 11, 22, 13, 59, 58, 1e6, time.UTC),
		Bytes: 1048576, Lines: 8192, Reason: "no space left on device",
	}, mark)
	mark, ok = ParseMark([]byte(lossMark + "; the line before is incomplete"))
	require.True(t, ok)
	assert.True(t, mark.TornBefore)
	assert.Equal(t, "no space left on device", mark.Reason)
	for _, line := range []string{
		"", " " + lossMark, "x" + lossMark, lossMark + "; more", strings.Replace(lossMark, "123Z", "123", 1),
		strings.Replace(lossMark, "1048576", "-1", 1), strings.Replace(lossMark, "1048576", "99999999999999999999", 1),
		strings.Replace(lossMark, "11-22", "13-42", 1), strings.TrimSuffix(lossMark, ": no space left on device"),
		"[sluice] 2026-11-22T14:00:00.123Z only the first 65536 bytes are kept, what follows is discarded (debug_containers=first)",
		lossMark + strings.Repeat("x", MaxMarkBytes),
	} {
		_, ok := ParseMark([]byte(line))
		assert.False(t, ok, line)
	}
}

func FuzzParseMark(f *testing.F) {
	f.Add(lossMark)
	f.Add(lossMark + "; the line before is incomplete")
	f.Fuzz(func(t *testing.T, text string) {
		mark, ok := ParseMark([]byte(text))
		if !ok {
			require.Equal(t, Mark{}, mark)
			return
		}
		require.True(t, strings.HasPrefix(text, MarkPrefix))
		require.GreaterOrEqual(t, mark.Bytes, int64(0))
		require.GreaterOrEqual(t, mark.Lines, int64(0))
		require.NotContains(t, text, "\n")
		require.Contains(t, text, mark.Reason)
		again, ok := ParseText(mark.Text())
		require.True(t, ok)
		require.Equal(t, mark, again)
	})
}

// What is written into a log is what readers look for.
func TestTextOfMarks(t *testing.T) {
	mark, ok := ParseMark([]byte(lossMark))
	require.True(t, ok)
	assert.Equal(t, lossMark+"\n", string(mark.Text()))
	mark.TornBefore = true
	assert.Equal(t, "\n"+lossMark+"; the line before is incomplete\n", string(mark.Text()))
	mark = Mark{At: mark.At, Since: mark.Since, Reason: "why", Unknown: true}
	assert.Equal(t, "[sluice] 2026-11-22T14:00:00.123Z lost an unknown amount, perhaps nothing, since 2026-11-22T13:59:58.001Z: why\n",
		string(mark.Text()))
	again, ok := ParseText(mark.Text())
	assert.True(t, ok)
	assert.Equal(t, mark, again)
	for _, cut := range []string{"", "\n", lossMark, lossMark + "\n\n", "\n\n" + lossMark + "\n"} {
		_, ok := ParseText([]byte(cut))
		assert.False(t, ok, "%q", cut)
	}
}

func TestCarriedLines(t *testing.T) {
	name := CarryName("stdout", 100, 4096)
	assert.Equal(t, ".stdout.sluice-carry-100-4096", name)
	from, to, ok := ParseCarry("stdout", name)
	assert.True(t, ok)
	assert.Equal(t, []int64{100, 4096}, []int64{from, to})
	for _, other := range []string{"stdout", ".stdout.sluice-carry-", ".stdout.sluice-carry-01-2", ".stdout.sluice-carry-1-2x", ".stderr.sluice-carry-1-2"} {
		_, _, ok := ParseCarry("stdout", other)
		assert.False(t, ok, other)
	}
}
