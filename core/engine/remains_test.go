package engine

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/budget"
)

// end has a container write output and end.
func (b *testbed) end(e *Engine, id string, output []byte) {
	b.t.Helper()
	stdout, stderr := b.prepare(e, id)
	before := e.Metrics().Streams
	_, err := stdout.Write(output)
	require.NoError(b.t, err)
	stdout.Close()
	stderr.Close()
	waitFor(func() bool { return e.Metrics().Streams == before-2 })
}

// endedNames are the records of ended streams.
func (b *testbed) endedNames() (names []string) {
	for _, name := range b.stateNames() {
		if strings.HasSuffix(name, ".ended") {
			names = append(names, name)
		}
	}
	return names
}

// settled waits until the budget holds and nothing is about to be deleted.
func settled(b *budget.Budget) {
	waitFor(func() bool { return b.TakenBytes() <= b.MostBytes && b.ReservedBytes() == 0 })
}

func TestWhatHasEndedHasItsShare(t *testing.T) {
	b := budgetBed(t, "512KB")
	e := b.open()
	defer e.Close()
	output := numbered(4000, 100)
	b.end(e, "ended", output)
	b.end(e, "short", numbered(10, 100))
	assert.Len(t, b.endedNames(), 1, "who left no rotated file is forgotten")
	last := b.read("ended", "stdout")
	assert.EqualValues(t, len(output)-len(last), e.budget.TakenBytes())

	stdout, stderr := b.prepare(e, "runs")
	_, err := stdout.Write(output)
	require.NoError(t, err)
	waitFor(func() bool { return e.Metrics().WrittenBytes == int64(2*len(output)+1000) })
	settled(e.budget)
	assert.Equal(t, last, b.read("ended", "stdout"), "what was written last stays")
	kept := b.series("ended", "stdout", 16<<10)
	assert.True(t, bytes.HasSuffix(output, kept))
	runs, _ := b.usage("runs")
	assert.InDelta(t, runs, len(kept)-len(last), 48<<10)
	assert.Contains(t, b.read("ended", "stdout.logrotate.conf"), "# parameter node_max_bytes: the budget of the node")
	stdout.Close()
	stderr.Close()
	waitEnded(e)
}

func TestARemovedSandboxCostsNobodyAnything(t *testing.T) {
	b := budgetBed(t, "512KB")
	e := b.open()
	defer e.Close()
	before := budget.VerifyTimeout
	budget.VerifyTimeout = time.Hour
	defer func() { budget.VerifyTimeout = before }()
	for _, id := range []string{"a", "b"} {
		b.end(e, id, numbered(2000, 100))
	}
	// Held open, so that its inode is not the next directory's too.
	held, err := os.Open(b.sandbox("b"))
	require.NoError(t, err)
	defer held.Close()
	require.NoError(t, os.RemoveAll(b.sandbox("a")))
	require.NoError(t, os.RemoveAll(b.sandbox("b")))
	b.sandbox("b") // another directory by that name
	output := numbered(4000, 100)
	stdout, stderr := b.prepare(e, "runs")
	_, err = stdout.Write(output)
	require.NoError(t, err)
	waitFor(func() bool { return e.Metrics().WrittenBytes == int64(len(output)+400000) })
	settled(e.budget)
	sameBytes(t, output, b.series("runs", "stdout", 16<<10))
	assert.Zero(t, e.Metrics().FilesEvicted)
	assert.Empty(t, b.endedNames())
	stdout.Close()
	stderr.Close()
	waitEnded(e)
}

func TestWhatHasEndedOutlivesTheOwner(t *testing.T) {
	b := budgetBed(t, "512KB")
	e := b.open()
	b.end(e, "ended", numbered(4000, 100))
	b.end(e, "removed", numbered(500, 100))
	_, rotated := b.usage("ended")
	e.Close()
	require.NoError(t, os.RemoveAll(b.sandbox("removed")))
	require.Len(t, b.endedNames(), 2)

	e = b.open()
	waitFor(func() bool { return len(b.endedNames()) == 1 })
	live, err := os.Stat(filepath.Join(b.sandbox("ended"), "stdout"))
	require.NoError(t, err)
	total, _ := b.usage("ended")
	waitFor(func() bool { return e.budget.TakenBytes() == total-live.Size() })
	stdout, stderr := b.prepare(e, "runs")
	_, err = stdout.Write(numbered(4000, 100))
	require.NoError(t, err)
	waitFor(func() bool { return e.Metrics().WrittenBytes == 400000 })
	settled(e.budget)
	_, left := b.usage("ended")
	assert.Less(t, left, rotated)
	stdout.Close()
	stderr.Close()
	waitEnded(e)
	e.Close()

	b.module.NodeMaxBytes = 0
	e = b.open()
	defer e.Close()
	assert.Empty(t, b.endedNames(), "without a budget nothing is remembered")
}
