package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestNothingIsChosenAfterTheEnd: the sandboxes are released then, and their
// descriptors may be somebody else's.
func TestNothingIsChosenAfterTheEnd(t *testing.T) {
	b := budgetBed(t, "512KB")
	e := b.open()
	stdout, stderr := b.prepare(e, "c1")
	defer stdout.Close()
	defer stderr.Close()
	_, err := stdout.Write(numbered(4000, 100))
	require.NoError(t, err)
	waitFor(func() bool { return e.Metrics().WrittenBytes == 400000 })
	e.Close()
	e.budget.takenBytes.Store(1 << 30)
	e.budget.trim(time.Now())
	for _, h := range e.budget.holders {
		assert.Zero(t, h.claimedFiles)
		for _, entry := range h.entries {
			assert.Zero(t, entry.box.users.Load())
		}
	}
}

// TestAFaultInADeletion leaves the container alone for a while, and the budget alive.
func TestAFaultInADeletion(t *testing.T) {
	b := budgetBed(t, "512KB")
	e := b.open()
	defer e.Close()
	explain, faults := e.budget.explain, 1
	e.budget.explain = func(entry *entry) {
		if faults > 0 {
			faults--
			panic("a fault for the test")
		}
		explain(entry)
	}
	stdout, stderr := b.prepare(e, "c1")
	_, err := stdout.Write(numbered(8000, 100))
	require.NoError(t, err)
	waitFor(func() bool { return e.workers.Panics() == 1 })
	// The end of the task bars the container; the test cannot wait for so long.
	waitFor(func() bool {
		e.budget.mu.Lock()
		defer e.budget.mu.Unlock()
		for _, h := range e.budget.holders {
			if !h.claimedAt.IsZero() || h.barred.IsZero() {
				return false
			}
			h.barred = time.Time{}
		}
		return true
	})
	_, err = stdout.Write(numbered(4000, 100))
	require.NoError(t, err)
	e.budget.settled()
	stdout.Close()
	stderr.Close()
	waitEnded(e)
}
