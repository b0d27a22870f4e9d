package compress

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sluice/core/logrotate"
)

// mostExpanded bounds what is read of one input: some kilobytes can be gigabytes.
const mostExpanded = 8 << 20

// FuzzExpand expands what a task may have put in the place of a compressed file: whatever
// it is, reading ends with an error of the package or with the end, in bounded memory.
func FuzzExpand(f *testing.F) {
	for _, program := range []string{"gzip", "zstd", "xz", "bzip2"} {
		var packed bytes.Buffer
		require.NoError(f, Copy(&packed, strings.NewReader(strings.Repeat("a line\n", 500)), logrotate.Compressor{Program: program}))
		whole := packed.Bytes()
		f.Add(whole)
		f.Add(whole[:len(whole)/2])
		f.Add(slices.Concat(whole, whole))
		f.Add(append(slices.Clone(whole), "junk"...))
	}
	// The largest window and the largest dictionary that the formats can ask for.
	f.Add([]byte("\x28\xb5\x2f\xfd\x00\xff\x01\x00\x00"))
	f.Add([]byte("\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x28\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, untrusted []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		read, err := Expand(bytes.NewReader(untrusted))
		if err == nil {
			_, err = io.Copy(io.Discard, io.LimitReader(read, mostExpanded))
			require.NoError(t, read.Close())
		}
		require.True(t, err == nil || errors.Is(err, ErrDamaged) || errors.Is(err, ErrMethod), "%v", err)
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(256<<20))
	})
}
