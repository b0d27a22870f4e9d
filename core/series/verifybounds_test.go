package series

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/series/logtest"
)

// A row of NUL bytes is told with its place, however the chunks fall; a few are the container's.
func TestVerifyTellsOfZeros(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []Finding
	}{
		{"none", "a line\n", []Finding{}},
		{"a few", "a\x00\x00b\n" + strings.Repeat("\x00", zeroBytes-1) + "\n", []Finding{}},
		{"a row", "a line\n" + strings.Repeat("\x00", 500) + "\n", []Finding{
			{KindZeros, "stdout.1", "holds 500 NUL bytes in rows, the first at byte 7: as a power cut leaves them, if the container did not write them"},
		}},
		{"several", strings.Repeat("\x00", 100) + "x" + strings.Repeat("\x00", 10) + "y" + strings.Repeat("\x00", copyBytes) + "\n", []Finding{
			{KindZeros, "stdout.1", "holds 262244 NUL bytes in rows, the first at byte 0: as a power cut leaves them, if the container did not write them"},
		}},
		{"over chunks", strings.Repeat("a", copyBytes-10) + strings.Repeat("\x00", 70) + "\n", []Finding{
			{KindZeros, "stdout.1", "holds 70 NUL bytes in rows, the first at byte 262134: as a power cut leaves them, if the container did not write them"},
		}},
	} {
		l := logtest.New(t, "rotate 9", 1<<20)
		require.NoError(t, os.WriteFile(filepath.Join(l.Dir, "stdout.1"), []byte(c.text), 0o644))
		report, err := seriesOf(l, "rotate 9").Verify(t.Context(), Expected{})
		require.NoError(t, err)
		assert.Equal(t, c.want, report.Findings, c.name)
	}
}

// Marks are a task's to write: neither their number nor their figures break the report.
func TestVerifyIsBounded(t *testing.T) {
	l := logtest.New(t, "rotate 9", 1<<20)
	mark := "[sluice] 2026-11-22T14:00:00.123Z lost 9223372036854775807 bytes in 9223372036854775807 lines since 2026-11-22T13:59:58.001Z: why\n"
	for _, name := range []string{"stdout.1", "stdout.2", "stdout.3"} {
		require.NoError(t, os.WriteFile(filepath.Join(l.Dir, name), []byte(strings.Repeat(mark, 5000)), 0o644))
	}
	far := time.Unix(400_000_000_000, 0)
	require.NoError(t, os.Chtimes(filepath.Join(l.Dir, "stdout.3"), far, far))
	report, err := seriesOf(l, "rotate 9").Verify(t.Context(), Expected{})
	require.NoError(t, err)
	assert.Equal(t, int64(15000), report.Marks)
	assert.Equal(t, int64(math.MaxInt64), report.LostBytes)
	assert.Equal(t, int64(math.MaxInt64), report.LostLines)
	assert.Len(t, report.Findings, 3*(maxMarks+1))
	assert.Contains(t, report.Findings, Finding{KindLost, "stdout.3", "4980 more marks tell of lost output"})
	text, err := json.Marshal(report)
	require.NoError(t, err)
	assert.Contains(t, string(text), `"written":`)
}

// Another logger cuts lines where a file is full: its sandbox says that it is another's.
func TestVerifyOfAnotherLogger(t *testing.T) {
	l := logtest.New(t, "rotate 9", 1<<20)
	require.NoError(t, os.WriteFile(filepath.Join(l.Dir, "stdout.1"), []byte("line\nhal"), 0o644))
	shown, err := ParseShown("\"/box/stdout\" {\nrotate 9\nsize 100\n}\n")
	require.NoError(t, err)
	assert.True(t, shown.Foreign)
	report, err := seriesOf(l, "rotate 9").Verify(t.Context(), Expected{Cuts: shown.Foreign})
	require.NoError(t, err)
	assert.Empty(t, report.Findings)
	assert.Equal(t, 1, report.SplitLines)
}
