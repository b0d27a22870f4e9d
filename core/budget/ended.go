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

// The rotated files of a stream that has ended count, and are deleted, like those of served
// streams, until the agent removes the sandbox. The live file, which the stream wrote last,
// does not count: the budget never takes it, and must not charge others for what it cannot
// take. The account and the record of the stream are kept for the sake of these files.
//
// No descriptor keeps such a sandbox open: it must go when the agent removes it.

const (
	// mostEnded bounds what is remembered, and the state directory.
	mostEnded = 4096
	// verifyEvery is how long a sandbox that was seen is assumed to be still there.
	verifyEvery = 10 * time.Second
)

// VerifyTimeout is how long to wait for a look at the sandboxes before live containers give.
// Only tests change it, before anything counts.
var VerifyTimeout = 200 * time.Millisecond

// errSandboxGone says that the agent has removed a sandbox.
var errSandboxGone = errors.New("the sandbox is gone")

// explain tells what was deleted, in the sandbox of a stream that has ended.
func (a *Account) explain(dir *sandbox.Dir) error {
	shown := policyfile.Source{
		Dir: dir, Path: a.of.sandbox(), Name: a.of.Record.GetStream(), Settings: a.of.Settings, More: a,
	}
	return shown.Write()
}

// open opens the sandbox of a stream that has ended, and the series in it, on a worker thread
// with the identity of the task's user. That user may have no way through the directories
// above, nor the host, without its capabilities, into the sandbox: one of them must do.
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

// there tells whether the sandbox is still the same directory. In doubt it is.
func (a *Account) there() bool {
	var st unix.Stat_t
	err := unix.Lstat(a.of.sandbox(), &st)
	if err == nil {
		return st.Dev == a.of.device() && st.Ino == a.of.inode()
	}
	return !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTDIR)
}

// CountEnded adds what a stream of an earlier owner has left, and has it listed.
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

// list has the series report what it takes.
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

// Full tells that there is no room to remember more streams that have ended.
func (b *Budget) Full() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ended >= mostEnded
}

// drop forgets an ended stream whose files are gone.
func (b *Budget) drop(t *worker.Thread, a *Account) {
	b.removeEnded(a)
	a.end()
	if err := t.AsHost(func() error { return b.Owner.ForgetEnded(a.of.ID) }); err != nil {
		b.warn("cannot forget an ended stream", err)
	}
}

// removeEnded takes an ended stream out of the budget.
func (b *Budget) removeEnded(a *Account) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.containers[a.of.sandbox()]
	if c == nil {
		return
	}
	if i := slices.Index(c.ended, a); i >= 0 {
		c.ended = slices.Concat(c.ended[:i], c.ended[i+1:]) // tasks may still read the old slice
		b.ended--
	}
	b.dropContainerLocked(c)
}

// verifiedLocked tells whether deletions may be chosen now. Before live containers give for
// ended ones, it checks which of those are still there, but only for a moment, since a file
// system may hang. The caller submits the tasks without the lock.
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

// verify checks which of the remains are still there.
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

// lookedAt notes that one file system was looked at; last says that it was the last one.
func (b *Budget) lookedAt() (last bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.verifying--
	if last = b.verifying == 0; last {
		b.verifiedAt = time.Now()
	}
	return last
}
