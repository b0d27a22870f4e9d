package pump

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkCountLines moves a mebibyte into a file of ten, and counts what is then in the
// page cache.
func BenchmarkCountLines(b *testing.B) {
	const every, fileBytes = 1 << 20, 10 << 20
	text := bytes.Repeat(append(bytes.Repeat([]byte("x"), 127), '\n'), every/128)
	for _, counted := range []bool{false, true} {
		b.Run(map[bool]string{false: "spliced", true: "spliced and counted"}[counted], func(b *testing.B) {
			reader, writer := pipe(b)
			scratch := scratchOf(b)
			f := int(file(b).Fd())
			b.SetBytes(every)
			b.ReportAllocs()
			at := int64(0)
			for b.Loop() {
				_, err := writer.Write(text)
				require.NoError(b, err)
				for moved := 0; moved < every; {
					n, err := scratch.Splice(reader, f, at+int64(moved), every)
					require.NoError(b, err)
					moved += n
				}
				if counted {
					if lines, _, err := CountLines(f, at, every); lines != every/128 || err != nil {
						b.Fatal(lines, err)
					}
				}
				at = (at + every) % fileBytes
			}
		})
	}
}
