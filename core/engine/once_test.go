package engine

import (
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// entryOf finds a stream that is served.
func (b *testbed) entryOf(e *Engine, container, stream string) *entry {
	b.t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	for entry := range e.serving {
		if entry.Stream.Record.GetContainerId() == container && entry.Stream.Name == stream {
			return entry
		}
	}
	require.Fail(b.t, "not served", "%s of %s", stream, container)
	return nil
}

// What a stream that ends has left counts once at every instant: here another stream is
// visited in the middle of that end, at the bound.
func TestAnEndingStreamCostsNobodyAnything(t *testing.T) {
	b := budgetBed(t, "600KB")
	e := b.open()
	defer e.Close()
	var files []*os.File
	for _, id := range []string{"ends", "stays"} {
		stdout, stderr := b.prepare(e, id)
		_, err := stdout.Write(numbered(2900, 100))
		require.NoError(t, err)
		files = append(files, stdout, stderr)
	}
	waitFor(func() bool { return e.Metrics().WrittenBytes == 580000 && resting(e) })
	ends := b.entryOf(e, "ends", "stdout")
	live := ends.LiveDiskBytes()
	before := e.budget.TakenBytes()
	e.budget.Leave(ends.account)
	assert.Equal(t, before-live, e.budget.TakenBytes())
	e.budget.Trim(time.Now())
	waitFor(func() bool { return e.budget.ReservedBytes() == 0 })
	assert.Zero(t, e.Metrics().FilesEvicted, "580,000 bytes are within 600KB")
	for _, f := range files {
		f.Close()
	}
	waitEnded(e)
}

// A rotation within a visit makes nothing count twice until the visit is over.
func TestARotationCostsNobodyAnything(t *testing.T) {
	b := budgetBed(t, "600KB")
	e := b.open()
	defer e.Close()
	stdout, stderr := b.prepare(e, "c1")
	_, err := stdout.Write(numbered(100, 100))
	require.NoError(t, err)
	waitFor(func() bool { return e.budget.TakenBytes() == 10000 && resting(e) })
	out, err := b.entryOf(e, "c1", "stdout").account.Set().Rotate(time.Now())
	require.NoError(t, err)
	require.True(t, out.Rotated)
	assert.EqualValues(t, 10000, e.budget.TakenBytes())
	assert.EqualValues(t, 10000, e.Metrics().DiskBytes)
	stdout.Close()
	stderr.Close()
	waitEnded(e)
}

// Streams end by the dozen while others write, a little under the bound: nothing goes.
// Then the others go over it, and what goes is what is over, to the file.
func TestNotOneFileMoreThanTheExcess(t *testing.T) {
	const (
		fileBytes  = 16 << 10
		perStream  = 8
		containers = 24
		lines      = 400 // while streams end
		room       = lines * 128
		over       = 12
		most       = containers*perStream*fileBytes + room
	)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	b := budgetBed(t, fmt.Sprintf("%dB", most))
	e := b.open()
	defer e.Close()
	// Lines of which whole ones fill a file, so that all rotated files are as long.
	whole := numbered(perStream*fileBytes/128, 128)
	type container struct {
		stdout, stderr *os.File
		entry          *entry
	}
	var all []container
	written := int64(0)
	write := func(f *os.File, data []byte) {
		_, err := f.Write(data)
		require.NoError(t, err)
		written += int64(len(data))
	}
	settled := func() {
		waitFor(func() bool { return e.Metrics().WrittenBytes == written && resting(e) })
		waitFor(func() bool { return e.budget.ReservedBytes() == 0 })
	}
	for i := range containers {
		id := fmt.Sprintf("c%d", i)
		stdout, stderr := b.prepare(e, id)
		all = append(all, container{stdout, stderr, b.entryOf(e, id, "stdout")})
		write(stdout, whole)
	}
	settled()
	require.EqualValues(t, most-room, e.budget.TakenBytes())

	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	running, ending := all[:containers/4], all[containers/4:]
	var wait sync.WaitGroup
	wait.Go(func() {
		for _, c := range ending {
			assert.NoError(t, c.stdout.Close())
			assert.NoError(t, c.stderr.Close())
			time.Sleep(time.Duration(random.IntN(2000)) * time.Microsecond)
		}
	})
	// As a visit does, on another thread, but without a pause.
	var ends atomic.Bool
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		for account := running[0].entry.account; !ends.Load(); {
			if e.budget.Over(account) {
				e.budget.Trim(time.Now())
			}
		}
	}()
	for i := range lines {
		write(running[i%len(running)].stdout, whole[:128])
		if i%10 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	wait.Wait()
	waitFor(func() bool { return e.Metrics().Streams == int64(2*len(running)) })
	ends.Store(true)
	<-looked
	settled()
	require.Zero(t, e.Metrics().FilesEvicted, "at no instant was more taken than the budget has")

	left := most - e.budget.TakenBytes()
	files := int(left/fileBytes) + over
	for i := range files {
		write(running[i%len(running)].stdout, whole[:fileBytes])
	}
	settled()
	excess := int64(files)*fileBytes - left
	assert.Equal(t, (excess+fileBytes-1)/fileBytes, e.Metrics().FilesEvicted)
	for _, c := range running {
		c.stdout.Close()
		c.stderr.Close()
	}
	waitEnded(e)
}
