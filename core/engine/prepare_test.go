package engine

import (
	"sluice/core/guard"
	"sluice/core/sandbox"
	"sluice/core/worker"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// waitLimit is how long a test waits for what must come, on a machine that has much else
// to do.
const waitLimit = 2 * time.Minute

// eventually waits for a condition and tells what did not come about.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(waitLimit); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for %v: %s", waitLimit, what)
		}
	}
}

// panicking is a sink with a fault in it.
type panicking struct{ *discarded }

func (panicking) open(*worker.Thread, bool) error { panic("injected") }

// TestAFaultWhileFilesAreOpenedIsAnError: who waits for them, a launch or the start of
// the agent, hears of it.
func TestAFaultWhileFilesAreOpenedIsAnError(t *testing.T) {
	b := newTestbed(t)
	e := b.open()
	defer e.Close()
	dir, err := sandbox.Open(b.sandbox("c"))
	require.NoError(t, err)
	defer dir.Close()
	opened := make(chan error, 1)
	go func() {
		opened <- e.open(panicking{&discarded{box: &sharedSandbox{Dir: dir}, identity: e.self, log: b.logger()}})
	}()
	select {
	case err := <-opened:
		var fault *guard.Fault
		require.ErrorAs(t, err, &fault)
		assert.Equal(t, int64(1), e.Metrics().Panics)
	case <-time.After(waitLimit):
		t.Fatal("a fault while files are opened: who waits for them waits for ever")
	}
}
