package engine

import (
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/logrotate"
	"sluice/core/rotation"
	"sluice/core/sandbox"
	"sluice/core/settings"
	"sluice/core/shortage"
	"sluice/core/state"
	"sluice/core/worker"
	sluicepb "sluice/proto"
)

// remains are the rotated files of a stream that has ended. They count, and go, like
// those of streams that run, until the agent removes the sandbox. What the stream
// wrote last, its live file, does not: the budget never takes it, and what it cannot
// take it must not charge to others. The record of the stream is kept for them.
//
// Nothing of a sandbox is held open for remains: it must go when the agent removes it.
type remains struct {
	id       string // in the state directory
	record   *sluicepb.StreamRecord
	settings settings.Stream
	holding  *holding
	path     string // of the sandbox
	inode    uint64
}

const (
	// maxRemains bounds what is remembered, and the state directory.
	maxRemains = 4096
	// verifyEvery is how long it is taken for granted that a sandbox is still there.
	verifyEvery = 10 * time.Second
	// verifyPatience is how long a look for sandboxes is waited for before live
	// containers give.
	verifyPatience = 200 * time.Millisecond
)

// errSandboxGone says that the agent has removed a sandbox.
var errSandboxGone = errors.New("the sandbox is gone")

// newRemains has what a stream has left go on to count as holding.
func newRemains(id string, r *sluicepb.StreamRecord, s settings.Stream, holding *holding) *remains {
	return &remains{
		id: id, record: r, settings: s, path: r.GetSandbox(), inode: r.GetSandboxInode(), holding: holding,
	}
}

func (r *remains) identity() worker.Identity { return identityOf(r.record) }

// open opens the sandbox and the series in it, on a worker thread that has the
// identity of the task's user. The directories above may be closed to that, and the
// sandbox to the host without its capabilities: one of both must do.
func (r *remains) open(t *worker.Thread, log *slog.Logger) (dir *sandbox.Dir, set *rotation.Set, err error) {
	dir, err = sandbox.Open(r.path)
	if errors.Is(err, fs.ErrPermission) {
		err = t.AsHost(func() (err error) { dir, err = sandbox.Open(r.path); return err })
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, sandbox.ErrNotDirectory) {
		return nil, nil, errSandboxGone
	}
	if err != nil {
		return nil, nil, err
	}
	if dir.Device() != r.record.GetSandboxDevice() || dir.Inode() != r.inode {
		return nil, nil, errors.Join(errSandboxGone, dir.Close())
	}
	policy := r.settings.Policy
	policy.Create, policy.CreateOldDir = logrotate.Creation{}, logrotate.Creation{} // nothing is made
	set, err = rotation.New(rotation.Config{
		Dir: dir, Path: r.path, Base: r.record.GetStream(), Policy: policy,
		LimitBytes: r.settings.Policy.LimitBytes(r.settings.MaxBytes),
		Submit:     func(rotation.Task) {}, Log: log, Now: time.Now, Kept: r.holding.keeps,
	})
	if err != nil {
		return nil, nil, errors.Join(err, dir.Close())
	}
	return dir, set, nil
}

// there tells whether the sandbox still is what it was. Where that cannot be told it
// is.
func (r *remains) there() bool {
	var st unix.Stat_t
	err := unix.Lstat(r.path, &st)
	if err == nil {
		return st.Dev == r.record.GetSandboxDevice() && st.Ino == r.inode
	}
	return !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTDIR)
}

// retire forgets a stream that has ended; under a budget its record stays while it has
// rotated files. It runs with the identity of the host.
func (e *Engine) retire(entry *entry) error {
	if entry.holding == nil || entry.holding.files.Load() == 0 || e.budget.full() {
		return e.state.Remove(entry.id)
	}
	record := entry.stream.Record
	entry.holding.note(record)
	return e.state.KeepEnded(entry.id, record)
}

// recoverEnded counts what ended streams have left, those of owners before too. Nothing
// that it finds keeps anybody from starting.
func (e *Engine) recoverEnded() error {
	ids, err := e.state.Ended()
	if err != nil {
		return err
	}
	unusable, later, left, why := 0, 0, 0, error(nil)
	for _, id := range ids {
		keep, err := e.recoverOneEnded(id)
		switch {
		case keep && err != nil:
			later, why = later+1, err
		case keep:
		case err != nil:
			unusable, why = unusable+1, err
		default:
			if err := e.state.RemoveEnded(id); err != nil {
				left, why = left+1, err
			}
		}
	}
	if unusable+later+left > 0 {
		e.log.Warn("what some ended streams have left does not count",
			"unusable", unusable, "until_the_next_start", later, "not_removed", left, "last_error", why)
	}
	return nil
}

// recoverOneEnded counts what one has left, or leaves its record to a newer version, or,
// with an error, to a start with more descriptors. It reports false where the record is of
// no use.
func (e *Engine) recoverOneEnded(id string) (keep bool, err error) {
	record, err := e.state.LoadEnded(id)
	switch {
	case errors.Is(err, state.ErrNewer):
		return true, nil
	case errors.Is(err, state.ErrTorn):
	case err != nil:
		return true, err
	default:
		err = checkRecord(record)
	}
	if err != nil {
		return false, errors.Join(err, e.state.RemoveEnded(id))
	}
	if e.budget == nil || e.budget.full() {
		return false, nil
	}
	e.budget.count(newRemains(id, record, RecordedSettings(e.settings, record), newHolding(e.budget, 0, record)))
	return true, nil
}

// count adds remains of an owner before, and has them looked at.
func (b *budget) count(r *remains) {
	b.adopt(r)
	var pause shortage.Pause
	var task worker.Task
	look := func() { b.submit(&task) }
	task = worker.Task{As: r.identity(), Device: r.record.GetSandboxDevice(), Run: func(t *worker.Thread, refused error) {
		if refused != nil {
			return
		}
		err := b.list(t, r)
		if shortage.Is(err) {
			b.guard.AfterFunc(pause.Next(), "count what an ended stream has left", look)
			return
		}
		if err != nil && !errors.Is(err, errSandboxGone) {
			b.warn("what an ended stream has left cannot be counted", err)
		}
		if err != nil || r.holding.files.Load() == 0 {
			b.dismiss(t, r)
		}
	}}
	look()
}

func (b *budget) adopt(r *remains) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.addRemains(b.holderOf(r.path, r.record.GetSandboxDevice()), r)
}

// list has the series tell what it takes.
func (b *budget) list(t *worker.Thread, r *remains) error {
	dir, set, err := r.open(t, b.log)
	if err != nil {
		return err
	}
	_, err = set.Files()
	return errors.Join(err, set.Close(), dir.Close())
}

// addRemains remembers them. mu is held.
func (b *budget) addRemains(h *holder, r *remains) {
	b.remains++
	h.ended = append(h.ended, r)
}

// full tells that no more remains are to be remembered.
func (b *budget) full() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.remains >= maxRemains
}

// dismiss forgets remains that are gone.
func (b *budget) dismiss(t *worker.Thread, r *remains) {
	b.removeRemains(r)
	r.holding.end()
	if err := t.AsHost(func() error { return b.forgetEnded(r.id) }); err != nil {
		b.warn("cannot forget an ended stream", err)
	}
}

// removeRemains remembers them no more.
func (b *budget) removeRemains(r *remains) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.holders[r.path]
	if h == nil {
		return
	}
	if i := slices.Index(h.ended, r); i >= 0 {
		h.ended = slices.Concat(h.ended[:i], h.ended[i+1:]) // tasks have the one before
		b.remains--
	}
	b.dropHolder(h)
}

// verified tells whether deletions may be chosen now. Before live containers give for
// ended ones it is looked which of those are still there, but not longer than for a
// moment: a file system may hang. mu is held; the tasks are to be submitted without.
func (b *budget) verified(now time.Time) (ok bool, tasks []*worker.Task) {
	if b.remains == 0 || now.Sub(b.verifiedAt) < verifyEvery {
		return true, nil
	}
	if b.verifying > 0 && now.Sub(b.verifyingSince) < b.patience {
		return false, nil
	}
	if b.verifying > 0 {
		return true, nil
	}
	byDevice := map[uint64][]*remains{}
	for _, h := range b.holders {
		for _, r := range h.ended {
			byDevice[r.record.GetSandboxDevice()] = append(byDevice[r.record.GetSandboxDevice()], r)
		}
	}
	b.verifying, b.verifyingSince = len(byDevice), now
	for device, all := range byDevice {
		tasks = append(tasks, &worker.Task{As: b.host, Device: device, Urgent: true, Run: func(t *worker.Thread, refused error) {
			b.verify(t, refused, all)
		}})
	}
	return false, tasks
}

// verify looks which of the remains are still there.
func (b *budget) verify(t *worker.Thread, refused error, all []*remains) {
	defer func() {
		if b.lookedAt() && !errors.Is(refused, worker.ErrClosed) {
			b.trim(time.Now())
		}
	}()
	for _, r := range all {
		if refused == nil && !r.there() {
			b.dismiss(t, r)
		}
	}
}

// lookedAt tells that one file system was looked at; last says that it was the last.
func (b *budget) lookedAt() (last bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.verifying--
	if last = b.verifying == 0; last {
		b.verifiedAt = time.Now()
	}
	return last
}
