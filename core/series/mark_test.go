package series

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
		lossMark + strings.Repeat("x", maxMarkBytes),
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
		require.True(t, strings.HasPrefix(text, markPrefix))
		require.GreaterOrEqual(t, mark.Bytes, int64(0))
		require.GreaterOrEqual(t, mark.Lines, int64(0))
		require.NotContains(t, text, "\n")
		require.Contains(t, text, mark.Reason)
	})
}

// However the chunks fall, a scan finds the same.
func FuzzScan(f *testing.F) {
	f.Add("a\n"+lossMark+"\nb\n"+lossMark, uint8(7))
	f.Fuzz(func(t *testing.T, text string, step uint8) {
		var whole, cut scan
		require.NoError(t, whole.read(strings.NewReader(text), 1<<62))
		line := make([]byte, 0, maxMarkBytes+1)
		for rest := text; rest != ""; {
			n := min(len(rest), int(step)+1)
			line = cut.take([]byte(rest[:n]), line)
			rest = rest[n:]
		}
		require.Equal(t, whole, cut)
		require.Equal(t, int64(len(text)), whole.bytes)
		require.Equal(t, int64(strings.Count(text, "\n")), whole.newlines)
		require.Equal(t, int64(len(text)-strings.LastIndex(text, "\n")-1), whole.endBytes)
	})
}
