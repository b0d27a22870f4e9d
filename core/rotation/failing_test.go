package rotation

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestACompressionThatFailsHoldsNobodyUp: the plain file stays, and rotations go on.
func TestACompressionThatFailsHoldsNobodyUp(t *testing.T) {
	d, err := newDriver(t, t.TempDir(), "rotate 9\ncompress\ncompresscmd /bin/false")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 3 {
			d.append("text\n", 1)
			if _, err := d.set.Rotate(d.now); err != nil {
				t.Error(err)
			}
			d.work()
		}
	}()
	select {
	case <-done:
	case <-time.After(5 * time.Minute):
		t.Fatal("a compression failed, and a rotation waits for it for ever")
	}
	require.FileExists(t, d.dir+"/stdout.1")
	require.FileExists(t, d.dir+"/stdout.3")
}
