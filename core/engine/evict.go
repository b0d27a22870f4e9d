package engine

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

// series is the rotated files of one stream of a container that gives.
type series struct {
	set     *rotation.Set
	dir     *sandbox.Dir
	holding *holding
	explain func()
	end     func()
}

// task makes the deletions of a container a task of a worker thread. mu is held.
func (b *budget) task(h *holder) *worker.Task {
	var as worker.Identity
	var owner uint64
	for _, r := range h.ended {
		as, owner = r.identity(), r.inode
	}
	for _, e := range h.entries {
		as, owner = e.as, e.box.Inode()
	}
	return &worker.Task{As: as, Device: h.space.device, Urgent: true, Owner: owner, Run: func(t *worker.Thread, refused error) {
		finished := false
		defer func() {
			if !finished {
				b.done(h, 0, errEvictionFault)
			}
		}()
		b.evict(t, h, refused)
		finished = true
	}}
}

// borrow gives what the container has now; moved tells one answer from the next. The
// sandboxes of the streams that run stay open until each is released.
func (b *budget) borrow(h *holder) (entries []*entry, ended []*remains, moved int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, nil, h.moved
	}
	for _, e := range h.entries {
		e.box.users.Add(1)
	}
	return slices.Clone(h.entries), slices.Clone(h.ended), h.moved
}

func (b *budget) seriesOf(entries []*entry) (all []series) {
	for _, e := range entries {
		set := e.holding.set.Load()
		if set == nil {
			e.box.release()
			continue // its files are not open yet
		}
		all = append(all, series{
			set: set, dir: e.box.Dir, holding: e.holding,
			explain: func() { b.explain(e) }, end: e.box.release,
		})
	}
	return all
}

// seriesOfEnded opens what ended streams have left. What is gone is forgotten, now or
// when its last file has been deleted.
func (b *budget) seriesOfEnded(t *worker.Thread, ended []*remains) (all []series) {
	for _, r := range ended {
		dir, set, err := r.open(t, b.log)
		if err != nil {
			if shortage.Is(err) {
				b.warn("what an ended stream has left cannot be deleted now", err)
				continue
			}
			if !errors.Is(err, errSandboxGone) {
				b.warn("what an ended stream has left cannot be deleted, and counts no more", err)
			}
			b.dismiss(t, r)
			continue
		}
		all = append(all, series{
			set: set, dir: dir, holding: r.holding,
			explain: func() {
				if err := showPolicy(dir, r.path, r.record.GetStream(), r.settings, r.holding.confText()); err != nil {
					b.warn("cannot tell in the sandbox what was deleted", err)
				}
			},
			end: func() {
				_ = set.Close()
				_ = dir.Close()
				if r.holding.files.Load() == 0 {
					b.dismiss(t, r)
				}
			},
		})
	}
	return all
}

const (
	// batch is how many files of a container are deleted for one look at its directories.
	batch = 256
	// endings is how often the streams of a container may end while it gives.
	endings = 4
)

// evict deletes what a container is to give, also what is added meanwhile.
func (b *budget) evict(t *worker.Thread, h *holder, refused error) {
	err := refused
	var moved int
	for tries := 0; err == nil && tries < endings; {
		needBytes, why := b.asked(h)
		if needBytes <= 0 {
			break
		}
		var freedBytes int64
		freedBytes, moved, err = b.give(t, h, needBytes, why)
		b.paid(h, freedBytes)
		switch {
		case freedBytes > 0:
			err = nil // what could not be deleted is passed over
		case b.hasMoved(h, moved):
			// A stream has just ended: what it has left is asked for.
			tries++
			err = nil
		case err == nil:
			err = errNothingLeft
		}
	}
	b.done(h, moved, err)
	if b.over(h.space) && !errors.Is(refused, worker.ErrClosed) {
		b.trim(time.Now())
	}
}

// give deletes the oldest files of a container, no more than a batch.
func (b *budget) give(t *worker.Thread, h *holder, needBytes int64, why string) (freedBytes int64, moved int, err error) {
	entries, ended, moved := b.borrow(h)
	all := b.seriesOf(entries)
	defer func() {
		for _, s := range all {
			s.end()
		}
	}()
	all = append(all, b.seriesOfEnded(t, ended)...)
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
			s.holding.evicted(dropped, why)
			h.space.freed(dropped.Bytes)
			s.explain()
			b.report(h, s.holding)
		}
	}
	if b.minFree.On() && len(all) > 0 {
		h.space.look(b.minFree, all[0].dir, b.warn)
	}
	return freedBytes, moved, errors.Join(failed...)
}

// oldestOf tells how many files each series gives, the oldest of them all first, so that
// needBytes are freed: at most so many files in all. A series that cannot be looked at gives
// none.
func oldestOf(all []series, needBytes int64, most int) (counts []int, failed []error) {
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

// asked is what the container is to give now: what is over when all others have given what
// they are to.
func (b *budget) asked(h *holder) (needBytes int64, why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mostBytes > 0 {
		needBytes = b.takenBytes.Load() - b.mostBytes - (b.claimedBytes.Load() - h.claimedBytes)
	}
	needBytes = max(needBytes, h.space.lackingBytes()+h.claimedBytes)
	return min(needBytes, h.claimedBytes), h.why
}

// paid takes what was given off what is still to be given, unless nobody relies on it
// any more.
func (b *budget) paid(h *holder, freedBytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	freedBytes = min(freedBytes, h.claimedBytes)
	if h.claimedBytes > 0 {
		h.claimedFiles -= int(int64(h.claimedFiles) * freedBytes / h.claimedBytes)
	}
	h.claimedBytes -= freedBytes
	b.claimedBytes.Add(-freedBytes)
	h.space.claimedBytes.Add(-freedBytes)
}

// hasMoved says that a stream of the container has ended since.
func (b *budget) hasMoved(h *holder, since int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return h.moved != since
}

// done ends the task of a container. One whose files cannot be deleted, or are not
// where they were, is left alone for a while; but not where a stream has ended since it
// was looked at.
func (b *budget) done(h *holder, moved int, err error) {
	b.settle(h, moved, err)
	if err != nil && !errors.Is(err, errNothingLeft) && !errors.Is(err, worker.ErrClosed) {
		b.warn("rotated files cannot be deleted to keep the budget of the node", fmt.Errorf("sandbox %q: %w", h.sandbox, err))
	}
}

// settle takes back what a container was to give, and bars it after an error.
func (b *budget) settle(h *holder, moved int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget(h)
	h.claimedAt, h.overdue = time.Time{}, false
	switch {
	case errors.Is(err, errNothingLeft) && h.moved != moved:
	case errors.Is(err, errNothingLeft), shortage.Is(err):
		h.barred = time.Now().Add(rescanAfter)
	case err != nil:
		h.barred = time.Now().Add(barredFor)
	}
}

// errEvictionFault is the end of a task that panicked; the worker logs the stack.
var errEvictionFault = errors.New("fault while files were deleted")

// errNothingLeft says that a container has no rotated file.
var errNothingLeft = errors.New("no rotated file is left")

// report tells of deletions, at most once a minute.
func (b *budget) report(h *holder, of *holding) {
	if held, ok := b.reports.Allow(time.Now()); ok {
		b.log.Warn("rotated files are deleted to keep the budget of the node", "for", *of.why.Load(), "sandbox", h.sandbox,
			"files_of_this_stream", of.evictedFiles.Load(), "bytes", of.evictedBytes.Load(),
			"files_of_all", b.evictedFiles.Load(), "held_back", held)
	}
}

// warn tells of a problem, at most once a minute.
func (b *budget) warn(what string, err error) {
	if held, ok := b.warnings.Allow(time.Now()); ok {
		b.log.Warn(what, "error", err, "held_back", held)
	}
}
