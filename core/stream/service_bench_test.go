package stream

import (
	"bytes"
	"testing"
	"time"

	"sluice/core/worker"
)

// BenchmarkService moves what a container has written since the visit before: one line, or half
// a pipe. Rotations happen as they come.
func BenchmarkService(b *testing.B) {
	for _, c := range []struct {
		name  string
		bytes int
	}{{"Line", 100}, {"HalfAPipe", 32 << 10}} {
		b.Run(c.name, func(b *testing.B) {
			s := newServedWith(b, "64MB", "rotate 1")
			text := bytes.Repeat(append(bytes.Repeat([]byte("x"), 99), '\n'), c.bytes/100)
			s.owner(func(thread *worker.Thread, of *Stream) {
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := s.container.Write(text); err != nil {
						b.Fatal(err)
					}
					of.Service(thread, nil, time.Now(), 0)
				}
			})
		})
	}
}
