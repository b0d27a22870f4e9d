package pump

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkReady looks at an empty pipe, as each idle look near the limit of a file does.
func BenchmarkReady(b *testing.B) {
	reader, _ := pipe(b)
	scratch := scratchOf(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := scratch.Ready(reader); !errors.Is(err, ErrEmpty) {
			b.Fatal(err)
		}
	}
}

// BenchmarkWholeLines finds where to cut, once per rotation.
func BenchmarkWholeLines(b *testing.B) {
	reader, writer := pipe(b)
	scratch := scratchOf(b)
	_, err := writer.Write(bytes.Repeat(append(bytes.Repeat([]byte("x"), 127), '\n'), 8000))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := scratch.WholeLines(reader, 1_000_000); err != nil {
			b.Fatal(err)
		}
	}
}
