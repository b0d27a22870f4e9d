package budget

import (
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/logrotate"
	"sluice/core/policyfile"
	"sluice/core/rotation"
	"sluice/core/sandbox"
	"sluice/core/shortage"
	"sluice/core/worker"
)

// The rotated files of a stream that has ended count, and go, like those of streams that are
// served, until the agent removes the sandbox. What the stream wrote last, its live file, does
// not: the budget never takes it, and what it cannot take it must not charge to others. The
// account goes on for them, and the record of the stream is kept.
//
// Nothing of a sandbox is held open for them: it must go when the agent removes it.

const (
	// mostEnded bounds what is remembered, and the state directory.
	mostEnded = 4096
	// verifyEvery is how long it is taken for granted that a sandbox is still there.
	verifyEvery = 10 * time.Second
)

// VerifyTimeout is how long a look for sandboxes is waited for before live containers give. It
// changes for tests only, before anything counts.
var VerifyTimeout = 200 * time.Millisecond

// errSandboxGone says that the agent has removed a sandbox.
var errSandboxGone = errors.New("the sandbox is gone")

// explain tells in the sandbox of a stream that has ended what was deleted.
func (a *Account) explain(dir *sandbox.Dir) error {
	shown := policyfile.Source{
		Dir: dir, Path: a.of.sandbox(), Name: a.of.Record.GetStream(), Settings: a.of.Settings, More: a,
	}
	return shown.Write()
}

// open opens the sandbox of a stream that has ended and the series in it, on a worker thread
// that has the identity of the task's user. The directories above may be closed to that, and the
// sandbox to the host without its capabilities: one of both must do.
func (a *Account) open(t *worker.Thread, log *slog.Logger) (dir *sandbox.Dir, set *rotation.Set, err error) {
	dir, err = sandbox.Open(a.of.sandbox())
	if errors.Is(err, fs.ErrPermission) {
		err = t.AsHost(func() (err error) { dir, err = sandbox.Open(a.of.sandbox()); return err })
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, sandbox.ErrNotDirectory) {
		return nil, nil, errSandboxGone
	}
	if err != nil {
		return nil, nil, err
	}
	if dir.Device() != a.of.device() || dir.Inode() != a.of.inode() {
		return nil, nil, errors.Join(errSandboxGone, dir.Close())
	}
	policy := a.of.Settings.Policy
	policy.Create, policy.CreateOldDir = logrotate.Creation{}, logrotate.Creation{} // nothing is made
	set, err = rotation.New(rotation.Config{
		Dir: dir, Path: a.of.sandbox(), Base: a.of.Record.GetStream(), Policy: policy,
		LimitBytes: a.of.Settings.Policy.LimitBytes(a.of.Settings.MaxBytes),
		Submit:     func(rotation.Task) {}, Log: log, Now: time.Now, Kept: a.Keeps,
	})
	if err != nil {
		return nil, nil, errors.Join(err, dir.Close())
	}
	return dir, set, nil
}

// there tells whether the sandbox still is what it was. Where that cannot be told it
// is.
func (a *Account) there() bool {
	var st unix.Stat_t
	err := unix.Lstat(a.of.sandbox(), &st)
	if err == nil {
		return st.Dev == a.of.device() && st.Ino == a.of.inode()
	}
	return !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTDIR)
}

// CountEnded adds what a stream of an owner before has left, and has it looked at.
func (b *Budget) CountEnded(of Of) {
	a := b.NewAccount(of, 0)
	b.adopt(a)
	var pause shortage.Pause
	var task worker.Task
	look := func() { b.Owner.Submit(&task) }
	task = worker.Task{As: a.of.As, Device: a.of.device(), Run: func(t *worker.Thread, refused error) {
		if refused != nil {
			return
		}
		err := b.list(t, a)
		if shortage.Is(err) {
			b.Guard.AfterFunc(pause.Next(), "count what an ended stream has left", look)
			return
		}
		if err != nil && !errors.Is(err, errSandboxGone) {
			b.warn("what an ended stream has left cannot be counted", err)
		}
		if err != nil || a.files.Load() == 0 {
			b.drop(t, a)
		}
	}}
	look()
}

func (b *Budget) adopt(a *Account) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.addEndedLocked(b.containerOfLocked(a.of.sandbox(), a.of.device()), a)
}

// list has the series tell what it takes.
func (b *Budget) list(t *worker.Thread, a *Account) error {
	dir, set, err := a.open(t, b.Log)
	if err != nil {
		return err
	}
	_, err = set.Files()
	return errors.Join(err, set.Close(), dir.Close())
}

// addEndedLocked remembers a stream that has ended.
func (b *Budget) addEndedLocked(c *container, a *Account) {
	b.ended++
	c.ended = append(c.ended, a)
}

// Full tells that no more streams that have ended are to be remembered.
func (b *Budget) Full() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ended >= mostEnded
}

// drop forgets a stream that has ended and whose files are gone.
func (b *Budget) drop(t *worker.Thread, a *Account) {
	b.removeEnded(a)
	a.end()
	if err := t.AsHost(func() error { return b.Owner.ForgetEnded(a.of.ID) }); err != nil {
		b.warn("cannot forget an ended stream", err)
	}
}

// removeEnded remembers it no more.
func (b *Budget) removeEnded(a *Account) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.containers[a.of.sandbox()]
	if c == nil {
		return
	}
	if i := slices.Index(c.ended, a); i >= 0 {
		c.ended = slices.Concat(c.ended[:i], c.ended[i+1:]) // tasks have the one before
		b.ended--
	}
	b.dropContainerLocked(c)
}

// verifiedLocked tells whether deletions may be chosen now. Before live containers give for
// ended ones it is looked which of those are still there, but not longer than for a
// moment: a file system may hang. The tasks are to be submitted without the lock.
func (b *Budget) verifiedLocked(now time.Time) (ok bool, tasks []*worker.Task) {
	if b.ended == 0 || now.Sub(b.verifiedAt) < verifyEvery {
		return true, nil
	}
	if b.verifying > 0 && now.Sub(b.verifyingSince) < VerifyTimeout {
		return false, nil
	}
	if b.verifying > 0 {
		return true, nil
	}
	byDevice := map[uint64][]*Account{}
	for _, c := range b.containers {
		for _, a := range c.ended {
			byDevice[a.of.device()] = append(byDevice[a.of.device()], a)
		}
	}
	b.verifying, b.verifyingSince = len(byDevice), now
	for device, all := range byDevice {
		tasks = append(tasks, &worker.Task{As: b.Host, Device: device, Urgent: true, Run: func(t *worker.Thread, refused error) {
			b.verify(t, refused, all)
		}})
	}
	return false, tasks
}

// verify looks which of the remains are still there.
func (b *Budget) verify(t *worker.Thread, refused error, all []*Account) {
	defer func() {
		if b.lookedAt() && !errors.Is(refused, worker.ErrClosed) {
			b.Trim(time.Now())
		}
	}()
	for _, a := range all {
		if refused == nil && !a.there() {
			b.drop(t, a)
		}
	}
}

// lookedAt tells that one file system was looked at; last says that it was the last.
func (b *Budget) lookedAt() (last bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.verifying--
	if last = b.verifying == 0; last {
		b.verifiedAt = time.Now()
	}
	return last
}
