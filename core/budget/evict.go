package budget

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"sluice/core/rotation"
	"sluice/core/sandbox"
	"sluice/core/shortage"
	"sluice/core/worker"
)

// opened are the rotated files of one stream of a container that gives.
type opened struct {
	account *Account
	set     *rotation.Set
	dir     *sandbox.Dir
	explain func()
	release func()
}

// taskLocked makes the task of a worker thread that deletes for a container.
func (b *Budget) taskLocked(c *container) *worker.Task {
	var of Of
	for _, a := range slices.Concat(c.ended, c.serving) {
		of = a.of
	}
	return &worker.Task{As: of.As, Device: c.space.device, Urgent: true, Owner: of.inode(), Run: func(t *worker.Thread, refused error) {
		finished := false
		defer func() {
			if !finished {
				b.done(c, 0, errEvictionFault)
			}
		}()
		b.evict(t, c, refused)
		finished = true
	}}
}

// borrow gives what the container has now; moved distinguishes one answer from the next.
// The sandbox of each served stream stays open until it is released.
func (b *Budget) borrow(c *container) (serving []opened, ended []*Account, moved int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, nil, c.moved
	}
	for _, a := range c.serving {
		set := a.set.Load()
		if set == nil {
			continue // its files are not open yet
		}
		dir, release := a.series.Borrow()
		serving = append(serving, opened{account: a, set: set, dir: dir, explain: a.series.Explain, release: release})
	}
	return serving, slices.Clone(c.ended), c.moved
}

// open opens what ended streams have left. It forgets those whose files are gone; others are
// forgotten once their last file has been deleted.
func (b *Budget) open(t *worker.Thread, ended []*Account) (all []opened) {
	for _, a := range ended {
		dir, set, err := a.open(t, b.Log)
		if err != nil {
			if shortage.Is(err) {
				b.warn("what an ended stream has left cannot be deleted now", err)
				continue
			}
			if !errors.Is(err, errSandboxGone) {
				b.warn("what an ended stream has left cannot be deleted, and counts no more", err)
			}
			b.drop(t, a)
			continue
		}
		all = append(all, opened{
			account: a, set: set, dir: dir,
			explain: func() {
				if err := a.explain(dir); err != nil {
					b.warn("cannot tell in the sandbox what was deleted", err)
				}
			},
			release: func() {
				_ = set.Close()
				_ = dir.Close()
				if a.files.Load() == 0 {
					b.drop(t, a)
				}
			},
		})
	}
	return all
}

const (
	// batch is how many files of a container are deleted per look at its directories.
	batch = 256
	// endings is how often the streams of a container may end while it gives.
	endings = 4
)

// evict deletes what a container is to give, including what is added meanwhile.
func (b *Budget) evict(t *worker.Thread, c *container, refused error) {
	err := refused
	var moved int
	for tries := 0; err == nil && tries < endings; {
		needBytes, why := b.asked(c)
		if needBytes <= 0 {
			break
		}
		var freedBytes int64
		freedBytes, moved, err = b.give(t, c, needBytes, why)
		b.released(c, freedBytes)
		switch {
		case freedBytes > 0:
			err = nil // skip what could not be deleted
		case b.hasMoved(c, moved):
			// A stream has just ended: try again with what it has left.
			tries++
			err = nil
		case err == nil:
			err = errNothingLeft
		}
	}
	b.done(c, moved, err)
	if b.over(c.space) && !errors.Is(refused, worker.ErrClosed) {
		b.Trim(time.Now())
	}
}

// give deletes the oldest files of a container, no more than a batch.
func (b *Budget) give(t *worker.Thread, c *container, needBytes int64, why string) (freedBytes int64, moved int, err error) {
	all, ended, moved := b.borrow(c)
	defer func() {
		for _, s := range all {
			s.release()
		}
	}()
	all = append(all, b.open(t, ended)...)
	counts, failed := oldestOf(all, needBytes, batch)
	for i, s := range all {
		if counts[i] == 0 {
			continue
		}
		dropped, err := s.set.Drop(counts[i])
		if err != nil && !errors.Is(err, fs.ErrClosed) {
			failed = append(failed, err)
		}
		if dropped.Files > 0 {
			freedBytes += dropped.Bytes
			s.account.evicted(dropped, why)
			c.space.freed(dropped.Bytes)
			s.explain()
			b.report(c, s.account)
		}
	}
	if b.MinFree.On() && len(all) > 0 {
		c.space.look(b.MinFree, all[0].dir, b.warn)
	}
	return freedBytes, moved, errors.Join(failed...)
}

// oldestOf tells how many files each series gives to free needBytes: the oldest of them all
// go first, and no more than most. A series that cannot be read gives none.
func oldestOf(all []opened, needBytes int64, most int) (counts []int, failed []error) {
	files := make([][]rotation.File, len(all))
	counts = make([]int, len(all))
	for i, s := range all {
		var err error
		if files[i], err = s.set.Files(); err != nil && !errors.Is(err, fs.ErrClosed) {
			failed = append(failed, err)
		}
	}
	for ; needBytes > 0 && most > 0; most-- {
		oldest := -1
		for i := range all {
			if counts[i] < len(files[i]) && (oldest < 0 || files[i][counts[i]].ModTime.Before(files[oldest][counts[oldest]].ModTime)) {
				oldest = i
			}
		}
		if oldest < 0 {
			break
		}
		needBytes -= all[oldest].set.Counts(files[oldest][counts[oldest]])
		counts[oldest]++
	}
	return counts, failed
}

// asked is what the container has to give now: the excess that remains once all others have
// given what they have to.
func (b *Budget) asked(c *container) (needBytes int64, why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.MostBytes > 0 {
		needBytes = b.takenBytes.Load() - b.MostBytes - (b.reservedBytes.Load() - c.reservedBytes)
	}
	needBytes = max(needBytes, c.space.lackingBytes()+c.reservedBytes)
	return min(needBytes, c.reservedBytes), c.why
}

// released subtracts what was given from what is still to be given, unless nobody relies on
// that any more.
func (b *Budget) released(c *container, freedBytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	freedBytes = min(freedBytes, c.reservedBytes)
	if c.reservedBytes > 0 {
		c.reservedFiles -= int(int64(c.reservedFiles) * freedBytes / c.reservedBytes)
	}
	c.reservedBytes -= freedBytes
	b.reservedBytes.Add(-freedBytes)
	c.space.reservedBytes.Add(-freedBytes)
}

// hasMoved says that a stream of the container has ended since.
func (b *Budget) hasMoved(c *container, since int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return c.moved != since
}

// done ends the task of a container. A container whose files cannot be deleted, or are not
// where they were, is left alone for a while, unless one of its streams has ended meanwhile.
func (b *Budget) done(c *container, moved int, err error) {
	b.settle(c, moved, err)
	if err != nil && !errors.Is(err, errNothingLeft) && !errors.Is(err, worker.ErrClosed) {
		b.warn("rotated files cannot be deleted to keep the budget of the node", fmt.Errorf("sandbox %q: %w", c.sandbox, err))
	}
}

// settle takes back what a container was to give, and bars it after an error.
func (b *Budget) settle(c *container, moved int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forgetLocked(c)
	c.reservedAt, c.stalled = time.Time{}, false
	switch {
	case errors.Is(err, errNothingLeft) && c.moved != moved:
	case errors.Is(err, errNothingLeft), shortage.Is(err):
		c.coolsDownUntil = time.Now().Add(rescanAfter)
	case err != nil:
		c.coolsDownUntil = time.Now().Add(cooldown)
	}
}

// errEvictionFault is the end of a task that panicked; the worker logs the stack.
var errEvictionFault = errors.New("fault while files were deleted")

// errNothingLeft says that a container has no rotated file.
var errNothingLeft = errors.New("no rotated file is left")

// report tells of deletions, at most once a minute.
func (b *Budget) report(c *container, of *Account) {
	if held, ok := b.reports.Allow(time.Now()); ok {
		b.Log.Warn("rotated files are deleted to keep the budget of the node", "for", *of.why.Load(), "sandbox", c.sandbox,
			"files_of_this_stream", of.evictedFiles.Load(), "bytes", of.evictedBytes.Load(),
			"files_of_all", b.evictedFiles.Load(), "held_back", held)
	}
}

// warn tells of a problem, at most once a minute.
func (b *Budget) warn(what string, err error) {
	if held, ok := b.warnings.Allow(time.Now()); ok {
		b.Log.Warn(what, "error", err, "held_back", held)
	}
}
