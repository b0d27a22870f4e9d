package budget

import (
	"time"

	"sluice/core/worker"
)

// over tells whether more has to be deleted than what already is about to be.
func (b *Budget) over(s *space) bool {
	return b.MostBytes > 0 && b.takenBytes.Load()-b.reservedBytes.Load() > b.MostBytes || s.lackingBytes() > 0
}

// Trim chooses what to delete and has it deleted.
func (b *Budget) Trim(now time.Time) { b.submitAll(b.choose(now)) }

// choose gives the tasks that delete, or those that first look at what is still there.
func (b *Budget) choose(now time.Time) []*worker.Task {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	ok, tasks := b.verifiedLocked(now)
	if !ok {
		return tasks
	}
	b.dropStalledLocked(now)
	// Whoever rotates meanwhile takes this back.
	b.rescan.Store(int64(clock(now) + rescanAfter))
	if b.MostBytes > 0 {
		containers, usages := b.usagesOnLocked(nil, now)
		tasks = append(tasks, b.reserveLocked(taken(usages)-b.MostBytes, containers, usages, "node_max_bytes", now)...)
	}
	for _, s := range b.spaces {
		if lacking := s.lackingBytes(); lacking > 0 {
			containers, usages := b.usagesOnLocked(s, now)
			tasks = append(tasks, b.reserveLocked(lacking, containers, usages, "node_min_free", now)...)
		}
	}
	return tasks
}

// submitAll hands tasks to the worker threads. mu must not be held.
func (b *Budget) submitAll(tasks []*worker.Task) {
	for _, task := range tasks {
		b.Owner.Submit(task)
	}
}

// usagesOnLocked gives all containers, or those on one file system, and what each takes. It
// includes those that cannot give now: else the others would have to give for them.
func (b *Budget) usagesOnLocked(on *space, now time.Time) (containers []*container, usages []usage) {
	for _, c := range b.containers {
		if on == nil || c.space == on {
			u := c.usageLocked()
			u.withheld = c.stalled || now.Before(c.coolsDownUntil)
			containers, usages = append(containers, c), append(usages, u)
		}
	}
	return containers, usages
}

// reserveLocked has containers free needBytes. It gives tasks for those that had none yet.
func (b *Budget) reserveLocked(needBytes int64, containers []*container, usages []usage, why string, now time.Time) (tasks []*worker.Task) {
	files, freed := planEvictions(needBytes, usages)
	for i, c := range containers {
		if files[i] == 0 {
			continue
		}
		c.reservedFiles += files[i]
		c.reservedBytes += freed[i]
		c.why = why
		b.rescan.Store(0)
		b.reservedBytes.Add(freed[i])
		c.space.reservedBytes.Add(freed[i])
		if c.reservedAt.IsZero() {
			c.reservedAt = now
			tasks = append(tasks, b.taskLocked(c))
		}
	}
	return tasks
}

// usageLocked is what the container takes beyond what it is about to give.
func (c *container) usageLocked() usage {
	u := usage{files: -c.reservedFiles, keptBytes: -c.reservedBytes, ended: len(c.serving) == 0}
	for _, accounts := range [][]*Account{c.serving, c.ended} {
		for _, a := range accounts {
			u.takenBytes += a.liveBytes.Load()
			u.keptBytes += a.keptBytes.Load()
			u.files += int(a.files.Load())
		}
	}
	u.files, u.keptBytes = max(0, u.files), max(0, u.keptBytes)
	u.takenBytes += u.keptBytes
	return u
}

// dropStalledLocked stops relying on deletions that take too long.
func (b *Budget) dropStalledLocked(now time.Time) {
	for _, c := range b.containers {
		if !c.stalled && !c.reservedAt.IsZero() && now.Sub(c.reservedAt) > EvictionTimeout {
			b.forgetLocked(c)
			c.stalled = true
		}
	}
}

// forgetLocked takes back what a container was to give.
func (b *Budget) forgetLocked(c *container) {
	b.reservedBytes.Add(-c.reservedBytes)
	c.space.reservedBytes.Add(-c.reservedBytes)
	c.reservedFiles, c.reservedBytes = 0, 0
}
