package engine

import (
	"errors"
	"io/fs"
	"time"

	"sluice/core/sandbox"
	"sluice/core/settings"
)

// confSuffix of the file that shows the effective policy.
const confSuffix = ".logrotate.conf"

// introduceEvery is how often at most is looked, when a stream is visited, whether that file is
// there.
const introduceEvery = 10 * time.Second

// introduction is what is known of the file that shows a stream's policy in the sandbox. Once the
// container has ended readers have nothing else that tells them which files are the log's.
type introduction struct {
	looked time.Time // zero before the first time
	inode  uint64    // of what was written; 0 where it could not be
	bytes  int64
	failed bool // to be written, which is told
	silent bool // there is no policy to show
}

// introduce writes the file that shows people the effective policy, on the first
// visit: no launch waits for it. Every owner does, whose rules may differ, and which
// may have been killed over it. Where it could not be written, or somebody has removed or
// changed it, it is written again, a while later and at the end of the stream. The logger
// never reads it back.
func (e *entry) introduce(now time.Time, ended bool) {
	e.writing.Lock()
	defer e.writing.Unlock()
	known := &e.introduction
	if known.silent {
		return
	}
	if !known.looked.IsZero() && now.Sub(known.looked) < introduceEvery && !ended {
		return
	}
	known.looked = now
	if known.inode != 0 {
		info, err := e.box.Stat(e.stream.Name + confSuffix)
		if err == nil && info.Inode == known.inode && info.Size == known.bytes {
			return
		}
	}
	e.showPolicyLocked()
}

// showPolicy writes that file, on a worker thread with the identity of the task's
// user.
func (e *entry) showPolicy() {
	e.writing.Lock()
	defer e.writing.Unlock()
	e.showPolicyLocked()
}

func (e *entry) showPolicyLocked() {
	var more string
	if e.holding != nil {
		more = e.holding.confText()
	}
	known := &e.introduction
	known.inode = 0
	err := showPolicy(e.box.Dir, e.stream.Record.GetSandbox(), e.stream.Name, e.stream.Settings, more)
	if err == nil {
		var info sandbox.Info
		if info, err = e.box.Stat(e.stream.Name + confSuffix); err == nil {
			known.inode, known.bytes = info.Inode, info.Size
		}
	}
	if err != nil && !known.failed && !(errors.Is(err, fs.ErrNotExist) && e.box.Removed()) {
		e.stream.Log.Warn("cannot write the policy into the sandbox for people to read; it is tried again", "error", err)
	}
	known.failed = err != nil
}

// showPolicy writes the effective policy of a stream into the sandbox, whose path is
// only shown, and more below it.
func showPolicy(dir *sandbox.Dir, path, name string, of settings.Stream, more string) error {
	return dir.Replace(name+confSuffix, []byte(of.ConfText(path+"/"+name)+more), 0o644)
}
