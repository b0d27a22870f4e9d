package compress

import (
	"bytes"
	"errors"
	"io"
	"os/exec"
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
	for _, program := range []string{"gzip", "zstd"} {
		var packed bytes.Buffer
		require.NoError(t, Copy(&packed, strings.NewReader(""), logrotate.Compressor{Program: program}))
		require.NotZero(t, packed.Len())
	}
}

func TestOtherMethodsAreRefused(t *testing.T) {
	err := Copy(io.Discard, strings.NewReader(""), logrotate.Compressor{Program: "xz"})
	require.EqualError(t, err, `compress: "xz" is not built in`)
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
	for _, program := range []string{"gzip", "zstd"} {
		for _, room := range []int{0, 10, 10_000} {
			err := Copy(&full{room}, bytes.NewReader(noise), logrotate.Compressor{Program: program})
			require.ErrorIs(t, err, errFull, "%s with room for %d", program, room)
		}
	}
}
