package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"sluice/core/rotation"
	"sluice/core/sandbox"
	"sluice/core/shortage"
	"sluice/core/worker"
	"time"
)

// series is the rotated files of one stream of a container that gives.
type series struct {
	set     *rotation.Set
	dir     *sandbox.Dir
	holding *holding
	evicted int64 // files before
	explain func()
	end     func()
}

// task makes the deletions of a container a task of a worker thread. The sandboxes of
// streams that run stay open until it is done. mu is held.
func (b *budget) task(h *holder) *worker.Task {
	entries := append([]*entry(nil), h.entries...)
	ended := append([]*remains(nil), h.ended...)
	var as worker.Identity
	if len(ended) > 0 {
		as = ended[0].identity()
	}
	for _, e := range entries {
		as = e.task.As
		e.box.users.Add(1)
	}
	return &worker.Task{As: as, Device: h.space.device, Urgent: true, Run: func(t *worker.Thread, refused error) {
		all := b.seriesOf(entries)
		finished := false
		defer func() {
			if !finished {
				b.done(h, errEvictionFault)
			}
			for _, s := range all {
				s.end()
			}
		}()
		if refused == nil {
			all = append(all, b.seriesOfEnded(t, ended)...)
		}
		b.evict(h, all, refused)
		finished = true
	}}
}

func (b *budget) seriesOf(entries []*entry) (all []series) {
	for _, e := range entries {
		if e.holding.set.Load() == nil {
			continue // its files cannot be opened yet
		}
		all = append(all, series{
			set: e.holding.set.Load(), dir: e.box.Dir, holding: e.holding, evicted: e.holding.evictedFiles.Load(),
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
			set: set, dir: dir, holding: r.holding, evicted: r.holding.evictedFiles.Load(),
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

// evict deletes what a container is to give, also what is added meanwhile.
func (b *budget) evict(h *holder, all []series, refused error) {
	err := refused
	for err == nil {
		files, bytes, why := b.claimed(h)
		if files == 0 {
			break
		}
		for range files {
			if err = dropOldest(h.space, all, why); err != nil {
				break
			}
		}
		b.paid(h, files, bytes)
	}
	b.done(h, err)
	for _, s := range all {
		if s.holding.evictedFiles.Load() > s.evicted {
			s.explain()
			b.report(h, s.holding)
		}
	}
	if b.minFree.On() && refused == nil && len(all) > 0 {
		h.space.look(b.minFree, all[0].dir, b.warn)
	}
	if b.over(h.space) && !errors.Is(refused, worker.ErrClosed) {
		b.trim(time.Now())
	}
}

// claimed is what the container is to give now.
func (b *budget) claimed(h *holder) (files int, bytes int64, why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return h.claimedFiles, h.claimedBytes, h.why
}

// paid takes what was given off what is still to be given, unless nobody relies on it
// any more.
func (b *budget) paid(h *holder, files int, bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if h.overdue || h.claimedFiles < files {
		return
	}
	h.claimedFiles -= files
	h.claimedBytes -= bytes
	b.claimedBytes.Add(-bytes)
	h.space.claimedBytes.Add(-bytes)
}

// done ends the task of a container. One whose files cannot be deleted, or are not
// where they were, is left alone for a while.
func (b *budget) done(h *holder, err error) {
	b.settle(h, err)
	if err != nil && !errors.Is(err, errNothingLeft) && !errors.Is(err, worker.ErrClosed) {
		b.warn("rotated files cannot be deleted to keep the budget of the node", fmt.Errorf("sandbox %q: %w", h.sandbox, err))
	}
}

// settle takes back what a container was to give, and bars it after an error.
func (b *budget) settle(h *holder, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget(h)
	h.claimedAt, h.overdue = time.Time{}, false
	switch {
	case errors.Is(err, errNothingLeft):
		// Perhaps the stream has just ended: what it left is asked next.
		h.barred = time.Now().Add(rescanAfter)
		b.guard.AfterFunc(rescanAfter, "choose what is deleted", func() {
			if b.over(h.space) {
				b.trim(time.Now())
			}
		})
	case err != nil:
		h.barred = time.Now().Add(barredFor)
	}
}

// errEvictionFault is the end of a task that panicked; the worker logs the stack.
var errEvictionFault = errors.New("fault while files were deleted")

// errNothingLeft says that a container has no rotated file.
var errNothingLeft = errors.New("no rotated file is left")

// dropOldest deletes the oldest rotated file of a container's streams.
func dropOldest(on *space, all []series, why string) error {
	var oldest *series
	var since time.Time
	for i, s := range all {
		if s.set == nil {
			continue
		}
		at, ok, err := s.set.Oldest()
		if errors.Is(err, fs.ErrClosed) {
			continue
		}
		if err != nil {
			return err
		}
		if ok && (oldest == nil || at.Before(since)) {
			oldest, since = &all[i], at
		}
	}
	if oldest == nil {
		return errNothingLeft
	}
	size, ok, err := oldest.set.DropOldest()
	if err != nil && !errors.Is(err, fs.ErrClosed) {
		return err
	}
	if !ok {
		return errNothingLeft
	}
	oldest.holding.evicted(size, why)
	on.freed(size)
	return nil
}

// report tells of deletions, at most once a minute.
func (b *budget) report(h *holder, of *holding) {
	if held, ok := b.reports.allow(time.Now()); ok {
		b.log.Warn("rotated files are deleted to keep the budget of the node", "for", *of.why.Load(), "sandbox", h.sandbox,
			"files_of_this_stream", of.evictedFiles.Load(), "bytes", of.evictedBytes.Load(),
			"files_of_all", b.evictedFiles.Load(), "held_back", held)
	}
}

// warn tells of a problem, at most once a minute.
func (b *budget) warn(what string, err error) {
	if held, ok := b.warnings.allow(time.Now()); ok {
		b.log.Warn(what, "error", err, "held_back", held)
	}
}
