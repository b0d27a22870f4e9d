package budget

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/guard"
	"sluice/core/rotation"
	"sluice/core/sandbox"
	"sluice/core/settings"
	"sluice/core/worker"
	sluicepb "sluice/proto"
	"sluice/tests/kit"
)

// The clock is set back by an hour: the free space is looked at as often as before.
func TestFreeSpaceIsLookedAtWhateverTheWallClock(t *testing.T) {
	dir, err := sandbox.Open(t.TempDir())
	require.NoError(t, err)
	defer dir.Close()
	s := &space{device: dir.Device()}
	began := time.Now().Add(time.Minute)
	looks := 0
	for i := range 60 {
		now := began.Add(time.Duration(i) * time.Second)
		if i > 0 {
			now = kit.WallSet(t, now, -3600)
		}
		s.nextBytes.Store(1 << 40)
		s.written.Store(1) // a look takes it back
		s.serviced(settings.Free{Bytes: 1}, dir, 0, now, func(string, error) {})
		if s.written.Load() == 0 {
			looks++
		}
	}
	assert.Equal(t, 60, looks)
}

// served is a stream whose rotated files a budget deletes.
type served struct {
	dir       *sandbox.Dir
	live      int64
	explained atomic.Int64
	explain   func() // instead of nothing
	borrowed  atomic.Int64
}

func (s *served) LiveDiskBytes() int64 { return s.live }

func (s *served) Borrow() (*sandbox.Dir, func()) {
	s.borrowed.Add(1)
	return s.dir, func() { s.borrowed.Add(-1) }
}

func (s *served) Explain() {
	s.explained.Add(1)
	if s.explain != nil {
		s.explain()
	}
}

// owner has tasks run by a pool, and knows what was forgotten.
type owner struct {
	pool *worker.Pool
	mu   sync.Mutex
	gone []string
}

func (o *owner) Submit(task *worker.Task) { o.pool.Submit(task) }

func (o *owner) ForgetEnded(id string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.gone = append(o.gone, id)
	return nil
}

// bed is a budget whose series are files of a kilobyte.
type bed struct {
	*testing.T
	*Budget
	owner *owner
}

func newBed(t *testing.T, mostBytes int64) *bed {
	log := slog.New(slog.DiscardHandler)
	self, err := worker.Self()
	require.NoError(t, err)
	o := &owner{pool: worker.NewCommandPool(log)}
	t.Cleanup(func() { o.pool.Close(); o.pool.Wait() })
	return &bed{t, New(Config{MostBytes: mostBytes, Owner: o, Host: self, Guard: guard.New(log), Log: log}), o}
}

// join has a series of so many rotated files counted.
func (b *bed) join(id string, files int) (*Account, *served, string) {
	path := b.TempDir()
	for i := range files {
		name := filepath.Join(path, fmt.Sprintf("stdout.%d", i+1))
		require.NoError(b, os.WriteFile(name, make([]byte, 1024), 0o644))
		at := time.Now().Add(-time.Duration(i) * time.Minute)
		require.NoError(b, os.Chtimes(name, at, at))
	}
	dir, err := sandbox.Open(path)
	require.NoError(b, err)
	b.Cleanup(func() { _ = dir.Close() })
	of := Of{ID: id, As: b.Host, Record: &sluicepb.StreamRecord{
		Sandbox: path, SandboxDevice: dir.Device(), SandboxInode: dir.Inode(), Stream: "stdout",
	}}
	of.Settings.Policy.Rotate = 1000
	a := b.NewAccount(of, 1<<20)
	set, err := rotation.New(rotation.Config{
		Dir: dir, Path: path, Base: "stdout", Policy: of.Settings.Policy, LimitBytes: 1 << 20,
		Submit: func(rotation.Task) {}, Log: b.Budget.Log, Now: time.Now, Kept: a.Keeps,
	})
	require.NoError(b, err)
	b.Cleanup(func() { _ = set.Close() })
	_, err = set.Files()
	require.NoError(b, err)
	s := &served{dir: dir}
	b.Join(a, s)
	return a, s, path
}

// rotated are the names of the rotated files, in no order.
func (b *bed) rotated(path string) []string {
	found, err := filepath.Glob(filepath.Join(path, "stdout.[0-9]*"))
	require.NoError(b, err)
	for i := range found {
		found[i] = filepath.Base(found[i])
	}
	return found
}

func TestTheOldestFilesOfWhoHasMostGo(t *testing.T) {
	b := newBed(t, 10<<10)
	large, s, path := b.join("large", 9)
	small, _, other := b.join("small", 3)
	assert.EqualValues(t, 12<<10, b.TakenBytes())
	b.Serviced(large, s.dir, time.Now())
	kit.Wait(t, "the budget holds", func() bool { return b.TakenBytes() <= 10<<10 && b.ReservedBytes() == 0 })
	assert.ElementsMatch(t, []string{"stdout.1", "stdout.2", "stdout.3", "stdout.4", "stdout.5", "stdout.6", "stdout.7"}, b.rotated(path))
	assert.Len(t, b.rotated(other), 3)
	assert.EqualValues(t, 2, large.Evicted())
	assert.Zero(t, small.Evicted())
	assert.Contains(t, large.ConfText(), "2 so far with 2048 bytes")
	assert.Empty(t, small.ConfText())
	assert.Positive(t, s.explained.Load())
	kit.Wait(t, "the sandbox is given back", func() bool { return s.borrowed.Load() == 0 })
}

// The sandboxes are released after the end, and their descriptors may be somebody else's.
func TestNothingIsChosenAfterTheEnd(t *testing.T) {
	b := newBed(t, 2<<10)
	_, s, path := b.join("c", 9)
	b.Close()
	b.Trim(time.Now())
	assert.Zero(t, b.ReservedBytes())
	assert.Zero(t, s.borrowed.Load())
	assert.Len(t, b.rotated(path), 9)
}

// A panic in a deletion leaves the container alone for a while, and the budget alive.
func TestAFaultInADeletion(t *testing.T) {
	b := newBed(t, 5<<10)
	a, s, path := b.join("c", 9)
	s.explain = func() { panic("injected") }
	b.Serviced(a, s.dir, time.Now())
	// The end of the task has the container cool down; the test cannot wait for so long.
	kit.Wait(t, "it cools down", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		c := b.containers[path]
		if !c.reservedAt.IsZero() || c.coolsDownUntil.IsZero() {
			return false
		}
		c.coolsDownUntil = time.Time{}
		return true
	})
	assert.Zero(t, b.ReservedBytes())
	assert.Zero(t, s.borrowed.Load())
	s.explain = nil
	b.Keep(a, path, 4)
	b.Serviced(a, s.dir, time.Now().Add(2*rescanAfter))
	kit.Wait(t, "the budget holds", func() bool { return b.TakenBytes() <= 5<<10 && b.ReservedBytes() == 0 })
}

// Keep makes files that are the newest of the series, and has them counted.
func (b *bed) Keep(a *Account, path string, files int) {
	for i := range files {
		require.NoError(b, os.WriteFile(filepath.Join(path, fmt.Sprintf("stdout.%d", 100+i)), make([]byte, 1024), 0o644))
	}
	_, err := a.set.Load().Files()
	require.NoError(b, err)
}

// What can be given is looked for again after a while where nobody had anything, however
// the wall clock is set.
func TestTheBudgetLooksWhateverTheWallClock(t *testing.T) {
	b := newBed(t, 1)
	a, s, _ := b.join("c", 0)
	s.live = 10
	now := time.Now()
	b.Serviced(a, s.dir, now)
	before := b.rescan.Load()
	require.Positive(t, before)
	b.Serviced(a, s.dir, kit.WallSet(t, now.Add(rescanAfter/2), 3600))
	assert.Equal(t, before, b.rescan.Load(), "it is too soon")
	b.Serviced(a, s.dir, kit.WallSet(t, now.Add(2*rescanAfter), -3600))
	assert.Greater(t, b.rescan.Load(), before)
}

// What a stream leaves goes on to count, and goes first once its sandbox is gone.
func TestWhatIsLeftCountsUntilItsSandboxIsGone(t *testing.T) {
	b := newBed(t, 10<<10)
	ended, s, path := b.join("ended", 6)
	s.live = 100
	ended.writes(100)
	b.Leave(ended)
	assert.EqualValues(t, 6<<10, b.TakenBytes(), "but for the live file")
	assert.True(t, ended.Outlives())
	assert.Nil(t, ended.series, "what served it is not kept")
	assert.Nil(t, ended.Set())
	require.NoError(t, os.RemoveAll(path))
	serves, of, other := b.join("serves", 9)
	kit.Wait(t, "the budget holds", func() bool {
		b.Serviced(serves, of.dir, time.Now())
		return b.TakenBytes() <= 10<<10 && b.ReservedBytes() == 0
	})
	assert.Len(t, b.rotated(other), 9, "it gives nothing for what is not there")
	b.owner.mu.Lock()
	defer b.owner.mu.Unlock()
	assert.Equal(t, []string{"ended"}, b.owner.gone)
}
