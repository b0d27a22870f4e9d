package rotation

import (
	"io/fs"
	"log/slog"
	"os"
	"time"

	"sluice/core/guard"
	"sluice/core/logrotate"
	"sluice/core/rotation/script"
	"sluice/core/sandbox"
)

// Task is work in the background. It is called with nil, on a thread that may do it, or with
// the reason why no thread ever will. again asks for another call after a pause, when a shortage
// may be over. After it has returned false, Working may have changed.
type Task func(refused error) (again bool)

// Config is what a Set needs. All members but Settle, Guard, RunScript,
// MakeLive and Kept are required.
type Config struct {
	// Dir is the sandbox, borrowed for the life of the Set.
	Dir *sandbox.Dir
	// Path is the sandbox's absolute path, for the arguments of scripts only.
	Path string
	// Base is the name of the live file, such as "stdout".
	Base   string
	Policy logrotate.Policy
	// LimitBytes is the limit of the live file. A rotated file of more than twice that was
	// extended by the task, which costs nothing: it is not compressed.
	LimitBytes int64
	// Submit has a task run in the background, on a thread with low priority and the
	// identity of the task's user. It must return at once. It may be called with locks
	// held, so it must not run the task itself. Recover finds a task again that never ran.
	Submit func(Task)
	// Settle runs a short task at normal priority, as the task's user, and waits for it: the
	// end of a compression, under the lock that rotations take. It must run it in any case,
	// on the calling thread if there is no other. nil leaves it to the background thread;
	// then a busy machine that has no time for that thread can hold up a rotation.
	Settle func(task func())
	// Kept hears what the rotated files take: at first nothing, then after every look and
	// change. rotated says that the live file has become one of them, or was removed: now
	// includes what it took so far. It is called with locks held, so it must return at once
	// and must not call the Set.
	Kept func(s *Set, now Kept, rotated bool)
	// HasPast says that the series was rotated before, by this owner or another. What its
	// policy needs was there once; if the task took it away, it is made again.
	HasPast bool
	// MakeLive makes the next live file under a policy with `create`, before `postrotate` and
	// `lastaction`, which find it then, as they do under logrotate. It is called with locks
	// held, within Rotate, and must not call the Set. If it is nil or fails, the name stays
	// free until Rotate has returned.
	MakeLive func(LiveFile) error
	// RunScript runs one command as the task's user and waits for it; nil refuses.
	RunScript func(script.Command) error
	Log       *slog.Logger
	// Guard catches the faults of background work; if it is nil, the Set makes its own.
	Guard *guard.Guard
	// Now is the clock of background work.
	Now func() time.Time
}

// LiveFile says how to make the next live file.
type LiveFile struct {
	// Mode is the exact permission bits.
	Mode fs.FileMode
	// UID and GID are -1 if the creator's own are right.
	UID, GID int
}

// Outcome is what a rotation did.
type Outcome struct {
	// Rotated says that the live file was moved or removed. If so, or if Missing or
	// Impostors is set, the name Base is free and the stream makes a new live file.
	Rotated bool
	// Name is the name that the live file got, empty if it was removed.
	Name string
	// Missing says that there was no live file, Empty that it was left alone because the
	// policy has notifempty.
	Missing, Empty bool
	// Impostors counts the names that were not those of our files and were moved aside, in
	// this rotation or since the last one.
	Impostors int
	// Removed and RemovedBytes tell which rotated files the retention took.
	Removed      int
	RemovedBytes int64
	// FailedScripts counts scripts that failed; the rotation was finished.
	FailedScripts int
	// Live says how to make the new live file, and LiveMade that MakeLive has made it.
	Live     LiveFile
	LiveMade bool
	// Problems are errors for the log, which did not keep the rotation from finishing.
	Problems []error
}

// Free says that the name of the live file is free for a new one.
func (o Outcome) Free() bool { return (o.Rotated || o.Missing) && !o.LiveMade }

// Apply gives f the mode and owner of l. If the acting identity may not give the file away,
// the file keeps its owner, and the error says so.
func (l LiveFile) Apply(f *os.File) error {
	return sandbox.SetAttributes(f, l.Mode, l.UID, l.GID)
}
