package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"sluice/core/worker"
	"time"
)

// task makes the deletions of a container a task of a worker thread. The sandboxes
// stay open until it is done. mu is held.
func (b *budget) task(h *holder) *worker.Task {
	first := h.entries[0]
	entries := append([]*entry(nil), h.entries...)
	for _, e := range entries {
		e.box.users.Add(1)
	}
	return &worker.Task{As: first.task.As, Device: first.box.Device(), Urgent: true, Run: func(_ *worker.Thread, refused error) {
		defer func() {
			for _, e := range entries {
				e.box.release()
			}
		}()
		b.evict(h, entries, refused)
	}}
}

// evict deletes what a container is to give, also what is added meanwhile.
func (b *budget) evict(h *holder, entries []*entry, refused error) {
	before := make([]int64, len(entries))
	for i, e := range entries {
		before[i] = e.holding.evictedFiles.Load()
	}
	err := refused
	for err == nil {
		files, bytes, why := b.claimed(h)
		if files == 0 {
			break
		}
		for range files {
			if err = dropOldest(h.space, entries, why); err != nil {
				break
			}
		}
		b.paid(h, files, bytes)
	}
	b.done(h, err)
	for i, e := range entries {
		if e.holding.evictedFiles.Load() > before[i] {
			b.explain(e)
			b.report(e)
		}
	}
	if b.minFree.On() && refused == nil {
		h.space.look(b.minFree, entries[0].box.Dir, b.warn)
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
	b.mu.Lock()
	b.forget(h)
	h.claimedAt, h.overdue = time.Time{}, false
	switch {
	case errors.Is(err, errNothingLeft):
		h.barred = time.Now().Add(rescanAfter)
	case err != nil:
		h.barred = time.Now().Add(barredFor)
	}
	b.mu.Unlock()
	if err != nil && !errors.Is(err, errNothingLeft) && !errors.Is(err, worker.ErrClosed) {
		b.warn("rotated files cannot be deleted to keep the budget of the node", fmt.Errorf("sandbox %q: %w", h.sandbox, err))
	}
}

// errNothingLeft says that a container has no rotated file.
var errNothingLeft = errors.New("no rotated file is left")

// dropOldest deletes the oldest rotated file of a container's streams.
func dropOldest(on *space, entries []*entry, why string) error {
	var oldest *entry
	var since time.Time
	for _, e := range entries {
		set := e.holding.set.Load()
		if set == nil {
			continue
		}
		at, ok, err := set.Oldest()
		if errors.Is(err, fs.ErrClosed) {
			continue
		}
		if err != nil {
			return err
		}
		if ok && (oldest == nil || at.Before(since)) {
			oldest, since = e, at
		}
	}
	if oldest == nil {
		return errNothingLeft
	}
	size, ok, err := oldest.holding.set.Load().DropOldest()
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
func (b *budget) report(e *entry) {
	if held, ok := b.reports.allow(time.Now()); ok {
		e.stream.Log.Warn("rotated files are deleted to keep the budget of the node",
			"for", *e.holding.why.Load(), "files_of_this_stream", e.holding.evictedFiles.Load(), "bytes", e.holding.evictedBytes.Load(),
			"files_of_all", b.evictedFiles.Load(), "held_back", held)
	}
}

// warn tells of a problem, at most once a minute.
func (b *budget) warn(what string, err error) {
	if held, ok := b.warnings.allow(time.Now()); ok {
		b.log.Warn(what, "error", err, "held_back", held)
	}
}
