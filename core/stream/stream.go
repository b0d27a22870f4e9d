// Package stream is one stdout or stderr of one container, from its first byte to
// its last: the reading end of its pipe, the live file, when to rotate it, and the
// account of what became of every byte.
//
// What holds at every system call, because the process may be killed there:
//   - a byte is in the pipe or in a file, never only in memory;
//   - the live file is at most as long as its limit;
//   - a line is cut only when it alone is longer than the limit;
//   - the record, the FIFO and the listing of the sandbox suffice to go on.
//
// A stream is passive: it moves bytes only while Visit runs. It starts no
// goroutine and knows no clock but the one that it is given.
package stream

import (
	"fmt"
	"log/slog"
	"os"
	"sluice/core/rotation"
	"sluice/core/sandbox"
	"sluice/core/settings"
	"sluice/core/worker"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	sluicepb "sluice/proto"
)

// liveMode is that of a first live file, and of later ones unless the policy has
// `create`.
const liveMode = 0o644

// Config is what a stream is made of.
type Config struct {
	// Name of the live file: "stdout" or "stderr".
	Name string
	// Sandbox is borrowed: both streams of a container may share it.
	Sandbox *sandbox.Dir
	// Pipe is the reading end, non-blocking. The stream takes it.
	Pipe int
	// CapacityBytes of the pipe.
	CapacityBytes int
	// Settings of this stream.
	Settings settings.Stream
	// Rotation is what the set of the rotated files is made of.
	Rotation rotation.Config
	// Record as it was loaded or first saved; the stream keeps its account in it.
	Record *sluicepb.StreamRecord
	// Save writes the record to the state directory, Forget removes record and
	// FIFO from it. Both are called with the identity of the host.
	Save   func(*sluicepb.StreamRecord) error
	Forget func() error
	// Now is the clock of rotations, retention and reports.
	Now func() time.Time
	// Log gets problems of this stream, already with its name.
	Log *slog.Logger
}

// Stream is one stdout or stderr. Open, Visit and Close must not overlap; Account
// and Tend may be called at any time.
type Stream struct {
	Config
	limit int64         // of the live file, bytes
	set   *rotation.Set // nil before Open

	live      *os.File // nil while it could not be opened
	liveFD    int
	liveInode uint64

	next    rotation.LiveFile // how to make the next live file
	carried string            // name of the file with the beginning of a line, or ""
	rate    bucket
	gone    bool        // the sandbox was removed, or has all it may: what comes is counted and dropped
	ended   bool        // the last byte is in the file; compressions may be under way
	cut     bool        // more was in the pipe than fitted into the file
	flood   bool        // the pipe was found nearly full, and since then not nearly empty
	tending atomic.Bool // the clock asks
	saving  atomic.Bool // SaveSoon was called
	blocked atomic.Bool // the last write failed

	liveBytes    atomic.Int64 // when last looked at
	lastRotation int64        // Unix nanoseconds; 0: never
	reports      limiter
	account      account
	last         time.Time // of the last look
}

// New makes a stream; it does no I/O.
func New(config Config) *Stream {
	limit := config.Settings.Policy.LimitBytes(config.Settings.MaxBytes)
	if first := config.Settings.FirstBytes; first > 0 {
		limit = firstLimit(first)
	}
	return &Stream{
		Config: config,
		limit:  limit,
		next:   rotation.LiveFile{Mode: liveMode, UID: -1, GID: -1},
		rate:   bucket{perSecond: config.Settings.MaxRateBytes},
	}
}

// Account is what became of the bytes of a stream so far.
type Account struct {
	WrittenBytes, DroppedBytes, DroppedLines int64
	Rotations, RotationErrors                int64
	WriteErrors, Impostors, Visits           int64
}

// InBytes is what was taken out of the pipe: all of it was written or dropped.
func (a Account) InBytes() int64 { return a.WrittenBytes + a.DroppedBytes }

// account is an Account that is written by one thread and read by any.
type account struct {
	writtenBytes, droppedBytes, droppedLines atomic.Int64
	rotations, rotationErrors                atomic.Int64
	writeErrors, impostors, visits           atomic.Int64
}

// Account gives the figures as they are now.
func (s *Stream) Account() Account {
	a := &s.account
	return Account{
		WrittenBytes: a.writtenBytes.Load(), DroppedBytes: a.droppedBytes.Load(), DroppedLines: a.droppedLines.Load(),
		Rotations: a.rotations.Load(), RotationErrors: a.rotationErrors.Load(),
		WriteErrors: a.writeErrors.Load(), Impostors: a.impostors.Load(), Visits: a.visits.Load(),
	}
}

// Blocked tells that the last write or rotation failed, and that the container's
// output waits in its pipe.
func (s *Stream) Blocked() bool { return s.blocked.Load() }

// Close releases the descriptors, without a look at what is still in the pipe:
// that is there for the next owner.
func (s *Stream) Close() {
	if s.live != nil {
		_ = s.live.Close()
		s.live = nil
	}
	if s.set != nil {
		_ = s.set.Close()
		s.set = nil
	}
	s.closePipe()
}

func (s *Stream) closePipe() {
	if s.Pipe >= 0 {
		_ = unix.Close(s.Pipe)
		s.Pipe = -1
	}
}

// Rebuild makes the stream anew from its record, its pipe and the listing of the
// sandbox, after a fault left it in an unknown state. Same thread rules as Open.
func (s *Stream) Rebuild() error {
	s.closeLive()
	if s.set != nil {
		_ = s.set.Close()
		s.set = nil
	}
	s.carried, s.flood = "", false
	s.ended = s.ended && s.Pipe < 0
	// The record knows what was dropped before the last rotation only.
	dropped, lines := s.account.droppedBytes.Load(), s.account.droppedLines.Load()
	if err := s.Open(false); err != nil {
		return fmt.Errorf("rebuild the stream: %w", err)
	}
	s.account.droppedBytes.Store(dropped)
	s.account.droppedLines.Store(lines)
	return nil
}

// GiveUp makes the stream one whose further bytes are counted and dropped: its
// container must not wait for a logger that fails again and again.
func (s *Stream) GiveUp() { s.gone = true }

// finish ends a stream whose container has closed it and whose pipe is empty. While
// files of its series are being compressed the record stays: a kill must leave
// somebody who knows that they are owed. On a busy machine that takes long; the pipe
// and the live file are not needed any more.
func (s *Stream) finish(t *worker.Thread) Next {
	s.ended = true
	if s.set != nil && s.set.Working() {
		s.closeLive()
		s.closePipe()
		return Next{After: compressionLook, Held: true}
	}
	s.Close()
	if err := t.AsHost(s.Forget); err != nil {
		s.Log.Error("the stream has ended, but not all that was kept of it could be removed", "error", err)
	}
	return Next{Ended: true}
}

// compressionLook is how often a stream that has ended looks whether the last
// compression is done.
const compressionLook = 50 * time.Millisecond

// Plus adds two accounts up.
func (a Account) Plus(b Account) Account {
	return Account{
		WrittenBytes: a.WrittenBytes + b.WrittenBytes, DroppedBytes: a.DroppedBytes + b.DroppedBytes,
		DroppedLines: a.DroppedLines + b.DroppedLines,
		Rotations:    a.Rotations + b.Rotations, RotationErrors: a.RotationErrors + b.RotationErrors,
		WriteErrors: a.WriteErrors + b.WriteErrors, Impostors: a.Impostors + b.Impostors, Visits: a.Visits + b.Visits,
	}
}
