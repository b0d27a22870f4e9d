package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/fdstore"
	"sluice/tests/fdstoretest"
)

// A container that ends while nobody is there leaves its last bytes behind.
func TestStoreKeepsTheLastBytes(t *testing.T) {
	m := fdstoretest.New(t)
	m.Run()
	b := newTestbed(t)
	e := b.open()
	stdout, stderr := b.prepare(e, "c")
	waitFor(func() bool { return m.Has(2) && e.Metrics().Visits >= 2 })
	e.Close()

	_, err := stdout.WriteString("last words\n")
	require.NoError(t, err)
	require.NoError(t, stdout.Close())
	require.NoError(t, stderr.Close())
	m.PassBack()
	fdstore.Restart()
	environment := os.Environ()
	descriptors := countDescriptors(t)
	e = b.open()
	waitEnded(e)
	assert.Equal(t, "last words\n", string(b.series("c", "stdout", 10<<20)))
	waitFor(func() bool { return m.Has(0) }) // the store is told when a stream has ended
	e.Close()
	assert.Equal(t, environment, os.Environ())
	assert.Less(t, countDescriptors(t), descriptors, "what was passed back is closed")
}

// However often the agent starts, the store has one descriptor for each stream.
func TestTheStoreDoesNotGrowWithRestarts(t *testing.T) {
	m := fdstoretest.New(t)
	m.Run()
	b := newTestbed(t)
	e := b.open()
	var files []*os.File
	for i := range 10 {
		stdout, stderr := b.prepare(e, fmt.Sprintf("c%d", i))
		files = append(files, stdout, stderr)
		waitFor(func() bool { return len(slices.Compact(m.Names())) == len(files) })
		stored := m.Told().Stored
		e.Close()
		m.PassBack()
		fdstore.Restart()
		e = b.open()
		require.EqualValues(t, len(files), e.Metrics().Streams)
		require.Len(t, m.Names(), len(files), "after start %d", i+1)
		assert.Equal(t, stored, m.Told().Stored, "what was passed back is in the store already")
	}
	for _, f := range files {
		require.NoError(t, f.Close())
	}
	waitEnded(e)
	waitFor(func() bool { return m.Has(0) })
	e.Close()
}

// A keeper owns again and again within one process.
func TestTheStoreOfAnOwnerThatOwnsAgain(t *testing.T) {
	m := fdstoretest.New(t)
	b := newTestbed(t)
	stdout, stderr := b.abandoned("c")
	for range 5 {
		e := b.open()
		closeAll(e.HandOver()) // the manager has not looked into its queue once
	}
	e := b.open()
	m.Run()
	waitFor(func() bool { return m.Has(2) })
	require.NoError(t, stdout.Close())
	require.NoError(t, stderr.Close())
	waitEnded(e)
	waitFor(func() bool { return m.Has(0) })
	e.Close()
}

// What a version before this one has left under one name becomes one.
func TestTheStoreIsTidiedUp(t *testing.T) {
	m := fdstoretest.New(t)
	b := newTestbed(t)
	e := b.open()
	stdout, stderr := b.prepare(e, "c")
	for range 2 {
		require.True(t, m.Receive())
	}
	fifos, err := e.state.FIFOs()
	require.NoError(t, err)
	for inode, id := range fifos {
		for i := range 3 {
			pipe, err := e.state.OpenReading(id)
			require.NoError(t, err)
			prefix := fmt.Sprintf("sluice-%x-", e.state.Inode())
			name := prefix + strconv.FormatUint(inode.Number, 36)
			if i > 0 { // as 0.1.0 names it
				name = prefix + id
			}
			m.Store(name, pipe)
		}
	}
	e.Close()
	require.Len(t, m.Names(), 8)
	m.PassBack()
	fdstore.Restart()
	m.Run()
	e = b.open()
	waitFor(func() bool { return m.Has(2) })
	require.NoError(t, stdout.Close())
	require.NoError(t, stderr.Close())
	waitEnded(e)
	waitFor(func() bool { return m.Has(0) })
	e.Close()
}

// A manager that is away is told when it is back, and what it has not got by the end of
// the engine is sent then if its queue is only full.
func TestAManagerThatIsAwayIsToldLater(t *testing.T) {
	m := fdstoretest.New(t)
	path := os.Getenv("NOTIFY_SOCKET")
	require.NoError(t, os.Rename(path, path+".away"))
	b := newTestbed(t)
	e := b.open()
	stdout, stderr := b.prepare(e, "c")
	waitFor(func() bool {
		return strings.Contains(b.log.String(), "the service manager does not keep descriptors")
	})
	require.NoError(t, os.Rename(path+".away", path))
	m.Run()
	waitFor(func() bool { return m.Has(2) })
	require.NoError(t, stdout.Close())
	require.NoError(t, stderr.Close())
	waitEnded(e)
	waitFor(func() bool { return m.Has(0) })
	e.Close()
}

// Since systemd 254 the unit's limit can be seen.
func TestALimitOfTheStoreThatIsTooSmallIsTold(t *testing.T) {
	m := fdstoretest.New(t)
	m.Limit(1)
	t.Setenv("FDSTORE", "1")
	m.Run()
	b := newTestbed(t)
	e := b.open()
	stdout, stderr := b.prepare(e, "c")
	assert.Contains(t, b.log.String(), "the unit has FileDescriptorStoreMax=1, expected at least 2")
	waitFor(func() bool { return m.Told().Refused == 1 })
	require.NoError(t, stdout.Close())
	require.NoError(t, stderr.Close())
	waitEnded(e)
	e.Close()
}

func TestStoreThatFailsIsReportedOnce(t *testing.T) {
	b := newTestbed(t)
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "nobody"))
	stdout, stderr := b.abandoned("c")
	require.NoError(t, stdout.Close())
	require.NoError(t, stderr.Close())
	assert.Equal(t, 1, strings.Count(b.log.String(), "the service manager does not keep descriptors"))
}
