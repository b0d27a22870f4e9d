package compress

import (
	"bytes"
	"errors"
	"io"
	"os/exec"
	"runtime"
	"sluice/core/logrotate"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestThePrograms reads what the built-in methods write with the programs of their
// names.
func TestThePrograms(t *testing.T) {
	text := strings.Repeat("a line that repeats\n", 50_000)
	for _, method := range []logrotate.Compressor{
		{Program: "gzip"},
		{Program: "gzip", Level: 1},
		{Program: "gzip", Level: 9},
		{Program: "zstd"},
		{Program: "zstd", Level: 1},
		{Program: "zstd", Level: 19},
		{Program: "zstd", Level: 22},
		{Program: "xz"},
		{Program: "xz", Level: 9},
		{Program: "bzip2"},
		{Program: "bzip2", Level: 1},
	} {
		var packed bytes.Buffer
		require.NoError(t, Copy(&packed, strings.NewReader(text), method))
		require.Less(t, packed.Len(), len(text)/10)
		if _, err := exec.LookPath(method.Program); err != nil {
			t.Logf("the program %s is not installed", method.Program)
			continue
		}
		command := exec.Command(method.Program, "-dc")
		command.Stdin = &packed
		unpacked, err := command.Output()
		require.NoError(t, err, "%+v", method)
		require.Equal(t, text, string(unpacked))
	}
}

func TestNothingIsSomethingToo(t *testing.T) {
	for _, program := range []string{"gzip", "zstd", "xz", "bzip2"} {
		var packed bytes.Buffer
		require.NoError(t, Copy(&packed, strings.NewReader(""), logrotate.Compressor{Program: program}))
		require.NotZero(t, packed.Len())
	}
}

func TestOtherMethodsAreRefused(t *testing.T) {
	err := Copy(io.Discard, strings.NewReader(""), logrotate.Compressor{Program: "lz4"})
	require.EqualError(t, err, `compress: "lz4" is not built in`)
}

var errFull = errors.New("no space left on device")

// full is a file on a full disk.
type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if len(p) > f.room {
		return 0, errFull
	}
	f.room -= len(p)
	return len(p), nil
}

func TestAFullDiskIsAnError(t *testing.T) {
	noise := make([]byte, 1<<20)
	for i := range noise {
		noise[i] = byte(i * i >> 7 * i)
	}
	for _, program := range []string{"gzip", "zstd", "xz", "bzip2"} {
		for _, room := range []int{0, 10, 10_000} {
			err := Copy(&full{room}, bytes.NewReader(noise), logrotate.Compressor{Program: program})
			require.ErrorIs(t, err, errFull, "%s with room for %d", program, room)
		}
	}
}

// TestMemoryIsBounded: a compression in the agent takes a bounded amount, whatever the
// level that a task asks for.
func TestMemoryIsBounded(t *testing.T) {
	const most = 48 << 20 // what zstd takes at its highest level
	text := bytes.Repeat([]byte("2026-11-27T12:00:00Z GET /index.html 200 0.123\n"), 400_000)
	for _, method := range []logrotate.Compressor{
		{Program: "gzip", Level: 9},
		{Program: "zstd", Level: 22},
		{Program: "xz", Level: 9},
		{Program: "bzip2", Level: 9},
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		require.NoError(t, Copy(io.Discard, bytes.NewReader(text), method))
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(most), method.Program)
		t.Logf("%s: %d KiB allocated", method.Program, (after.TotalAlloc-before.TotalAlloc)>>10)
	}
}
