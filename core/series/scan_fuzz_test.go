package series

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sluice/core/logformat"
)

const lossMark = "[sluice] 2026-11-22T14:00:00.123Z lost 1048576 bytes in 8192 lines since 2026-11-22T13:59:58.001Z: no space left on device"

// However the chunks fall, a scan finds the same.
func FuzzScan(f *testing.F) {
	f.Add("a\n"+lossMark+"\nb\n"+lossMark, uint8(7))
	f.Fuzz(func(t *testing.T, text string, step uint8) {
		var whole, cut scan
		require.NoError(t, whole.read(strings.NewReader(text), 1<<62))
		line := make([]byte, 0, logformat.MaxMarkBytes+1)
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
