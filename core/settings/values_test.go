package settings

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSizes(t *testing.T) {
	tests := map[string]int64{
		"0B": 0, "1B": 1, "4096b": 4096, "10KB": 10 << 10, "10kb": 10 << 10, "1Mb": 1 << 20,
		"3gB": 3 << 30, "8388607TB": 8388607 << 40, "007MB": 7 << 20, "9223372036854775807B": 1<<63 - 1,
	}
	for text, want := range tests {
		got, err := parseSize(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
}

func TestDurations(t *testing.T) {
	tests := map[string]time.Duration{
		"0secs": 0, "1ns": 1, "2us": 2 * time.Microsecond, "100ms": 100 * time.Millisecond,
		"1.5secs": 1500 * time.Millisecond, ".5mins": 30 * time.Second, "1hrs": time.Hour,
		"2days": 48 * time.Hour, "1weeks": 168 * time.Hour,
	}
	for text, want := range tests {
		got, err := parseDuration(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
}

func TestFormatsReadBack(t *testing.T) {
	sizes := map[int64]string{0: "0B", 1: "1B", 4096: "4KB", 4097: "4097B", 10 << 20: "10MB", 1 << 60: "1048576TB"}
	for bytes, want := range sizes {
		assert.Equal(t, want, FormatSize(bytes))
		got, err := parseSize(want)
		require.NoError(t, err)
		assert.Equal(t, bytes, got)
	}
	durations := map[time.Duration]string{
		0: "0secs", 1: "1ns", 1500 * time.Millisecond: "1500ms", time.Minute: "1mins", 36 * time.Hour: "36hrs",
	}
	for d, want := range durations {
		assert.Equal(t, want, FormatDuration(d))
		got, err := parseDuration(want)
		require.NoError(t, err)
		assert.Equal(t, d, got)
	}
}

func TestPrintable(t *testing.T) {
	assert.Equal(t, `plain ä "quoted"`, printable(`plain ä "quoted"`))
	assert.Equal(t, `a\nb\x00\x1b[0m\xff\u202e\u0085`, printable("a\nb\x00\x1b[0m\xff\u202e\u0085"))
	assert.Equal(t, "\ufffd", printable("\ufffd"), "a replacement character that was written")
}

func FuzzSize(f *testing.F) {
	for _, text := range []string{"10MB", "", "-1B", "1.5GB", "18446744073709551616B", "8388608tb"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		size, err := parseSize(text)
		if err != nil {
			return
		}
		digits := strings.TrimRight(text, "bBkKmMgGtT")
		want, ok := new(big.Int).SetString(digits, 10)
		require.True(t, ok, text)
		want.Mul(want, big.NewInt(sizeUnits[strings.ToUpper(text[len(digits):])]))
		require.Zero(t, want.Cmp(big.NewInt(size)), "%q gave %d", text, size)
	})
}

func FuzzDuration(f *testing.F) {
	for _, text := range []string{"100ms", "1.5secs", "1e9weeks", ".ns", "-1ms"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := parseDuration(text); err == nil {
			require.GreaterOrEqual(t, d, time.Duration(0), text)
		}
	})
}
