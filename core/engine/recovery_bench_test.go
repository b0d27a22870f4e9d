package engine

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestRecoveryTime shows how long a start takes that finds streams, with rotated
// files in their sandboxes. The target is 500 ms for 2,000.
func TestRecoveryTime(t *testing.T) {
	for _, streams := range []int{10, 100, 2000} {
		t.Run(fmt.Sprint(streams), func(t *testing.T) {
			b := newTestbed(t, "max_stdout_size", "4KB", "logrotate_stdout_options", "rotate 5")
			e := b.open()
			var ends []*os.File
			text := numbered(100, 100)
			for i := range streams / 2 {
				stdout, stderr := b.prepare(e, fmt.Sprint(i))
				_, err := stdout.Write(text)
				require.NoError(t, err)
				ends = append(ends, stdout, stderr)
			}
			waitFor(func() bool { return e.Metrics().InBytes() == int64(streams/2*len(text)) })
			e.Close()
			fastest := time.Hour
			for range 3 {
				began := time.Now()
				e = b.open()
				fastest = min(fastest, time.Since(began))
				require.Equal(t, int64(streams), e.Metrics().Recovered)
				e.Close()
			}
			t.Logf("%d streams are served again after %v", streams, fastest.Round(100*time.Microsecond))
			e = b.open()
			for _, end := range ends {
				require.NoError(t, end.Close())
			}
			waitEnded(e)
			e.Close()
		})
	}
}
