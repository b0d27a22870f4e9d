// Package policyfile writes, beside each log, the file that shows people and readers the
// effective policy of its stream. The logger never reads it back.
package policyfile

import (
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"sluice/core/logformat"
	"sluice/core/sandbox"
	"sluice/core/settings"
)

// Suffix of the file's name, after that of the live file.
const Suffix = logformat.PolicySuffix

// checkEvery is the least time between two checks, at services of the stream, that the file is
// there.
const checkEvery = 10 * time.Second

// Source is what the file of a stream says.
type Source struct {
	// Dir is the sandbox, borrowed, and Path where it is, for people.
	Dir  *sandbox.Dir
	Path string
	// Name of the live file, and its settings.
	Name     string
	Settings settings.Stream
	// More is what has happened to the stream; if it is nil the file says nothing of that.
	More interface{ ConfText() string }
}

// Write writes the file, with the rights of the thread.
func (s *Source) Write() error {
	text := s.Settings.ConfText(s.Path + "/" + s.Name)
	if s.More != nil {
		text += s.More.ConfText()
	}
	return s.Dir.Replace(s.Name+Suffix, []byte(text), 0o644)
}

// File is the file of a stream that is served. Its methods may be called concurrently, on
// worker threads with the identity of the task's user. The zero File of a stream without a
// policy does nothing.
type File struct {
	source *Source // nil: there is no policy to show
	log    *slog.Logger

	mu     sync.Mutex
	looked time.Time // zero before the first time
	inode  uint64    // of what was written; 0 if that failed
	bytes  int64
	failed bool // the last write failed, which was reported
}

// New makes a File that is not written yet.
func New(source Source, log *slog.Logger) *File { return &File{source: &source, log: log} }

// Refresh writes the file on the first service of a stream, so that no launch waits for it.
// Every owner writes it: its rules may differ from the last owner's, which may have been killed
// over it. If the file could not be written, or somebody has removed or changed it, it is written
// again, a while later and at the end of the stream: once the container has ended, nothing else
// tells readers which files belong to the log.
func (f *File) Refresh(now time.Time, ended bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.source == nil {
		return
	}
	if !f.looked.IsZero() && now.Sub(f.looked) < checkEvery && !ended {
		return
	}
	f.looked = now
	if f.inode != 0 {
		info, err := f.source.Dir.Stat(f.source.Name + Suffix)
		if err == nil && info.Inode == f.inode && info.Size == f.bytes {
			return
		}
	}
	f.writeLocked()
}

// Write writes the file.
func (f *File) Write() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.source != nil {
		f.writeLocked()
	}
}

func (f *File) writeLocked() {
	f.inode = 0
	err := f.source.Write()
	if err == nil {
		var info sandbox.Info
		if info, err = f.source.Dir.Stat(f.source.Name + Suffix); err == nil {
			f.inode, f.bytes = info.Inode, info.Size
		}
	}
	if err != nil && !f.failed && !(errors.Is(err, fs.ErrNotExist) && f.source.Dir.Removed()) {
		f.log.Warn("cannot write the policy into the sandbox for people to read; it is tried again", "error", err)
	}
	f.failed = err != nil
}
