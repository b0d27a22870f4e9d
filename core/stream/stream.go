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
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/logrotate"
	"sluice/core/pump"
	"sluice/core/rotation"
	"sluice/core/sandbox"
	"sluice/core/settings"
	"sluice/core/shortage"
	"sluice/core/throttle"
	"sluice/core/worker"
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
	// Former is the policy under which the series was kept before, where that is another.
	Former *logrotate.Policy
	// Record as it was loaded or first saved; the stream keeps its account in it.
	Record *sluicepb.StreamRecord
	// Keeper keeps the record and the spill.
	Keeper Keeper
	// Parking admits the stream to wait for its compressions when its container has ended.
	Parking Parking
	// CountLines keeps the number of the lines that are written.
	CountLines bool
	// Retry is how often a file that failed is tried again.
	Retry time.Duration
	// Now is the clock of rotations, retention and reports.
	Now func() time.Time
	// Log gets problems of this stream, already with its name.
	Log *slog.Logger
}

// Stream is one stdout or stderr. Open, Visit and Close must not overlap; Account
// and Tend may be called at any time.
type Stream struct {
	Config
	phase        phase // enter changes it
	discardCause Cause // while discarding
	givenUp      bool  // faults again and again: what comes is dropped, and no end of that is tried

	limit    int64         // of the live file, bytes
	commands bool          // the policy runs some, so that a rotation may take long
	made     time.Time     // the Stream was
	set      *rotation.Set // nil before Open

	live      *os.File // nil while it could not be opened
	liveFD    int
	liveInode uint64
	liveBirth sandbox.Birth
	own       ownPart // of the live file

	next    rotation.LiveFile // how to make the next live file
	carried string            // name of the file with the beginning of a line, or ""
	rate    bucket
	effort  effort      // of rotations
	cut     bool        // more was in the pipe than fitted into the file
	flood   bool        // the pipe was found nearly full, and since then not nearly empty
	opened  bool        // Open has got all that a visit needs; until then each visit tries
	tending atomic.Bool // the clock asks
	saving  atomic.Bool // SaveSoon was called
	strayed bool        // the live file that the record tells of was removed by the task
	open    atomic.Bool // there is a live file

	scratch  *pump.Scratch  // of the thread, while a visit lasts
	shortage shortage.Pause // until what the host was short of is looked for again

	outage      time.Time // since when writing fails, while backingOff
	waitTold    bool      // the log tells of that outage
	madeRoom    time.Time // when a rotated file was last removed to make room
	writtenThen int64     // the account at that time
	loss        loss
	replaced    int          // live files, since the stream was opened
	blocked     atomic.Bool  // the last write failed
	dropping    atomic.Bool  // the phase is dropping, or discarding for a failure
	visiting    atomic.Int64 // nanoseconds from made to the begin of the visit under way; 0: none

	liveBytes                       atomic.Int64 // when last looked at
	liveDisk                        atomic.Int64 // of them, those that take blocks
	lastRotation                    atomic.Int64 // Unix nanoseconds; 0: never
	named                           string       // what the last rotation made of the live file
	asked                           atomic.Pointer[AskedRotation]
	reports, evictions, lossReports throttle.Reports
	account                         account
	lines                           lines
	last                            time.Time // of the last look
}

// New makes a stream; it does no I/O.
func New(config Config) *Stream {
	limit := config.Settings.Policy.LimitBytes(config.Settings.MaxBytes)
	if first := config.Settings.FirstBytes; first > 0 {
		limit = firstLimit(first)
	}
	s := &Stream{
		Config:   config,
		limit:    limit,
		commands: config.Settings.Policy.RunsCommands(),
		made:     config.Now(),
		next:     rotation.LiveFile{Mode: liveMode, UID: -1, GID: -1},
		rate:     bucket{perSecond: config.Settings.MaxRateBytes},
	}
	s.Rotation.Kept, s.Rotation.MakeLive = s.keeps(config.Rotation.Kept), s.makeLive
	return s
}

// Close releases the descriptors, without a look at what is still in the pipe:
// that is there for the next owner.
func (s *Stream) Close() {
	s.enter(closed)
	if s.live != nil {
		_ = s.live.Close()
		s.live = nil
	}
	if s.set != nil {
		_ = s.set.Close()
		s.set = nil
	}
	s.loss.spill.close()
	s.refuseRotation(errStreamEnded)
	s.open.Store(false)
	s.closePipe()
}

func (s *Stream) closePipe() {
	if s.Pipe >= 0 {
		_ = unix.Close(s.Pipe)
		s.Pipe = -1
	}
}

// Rebuild makes the stream anew from its record, its pipe and the listing of the
// sandbox, after a fault left it in an unknown state. Where that fails the next visits go
// on with it, as with any file that cannot be written. Where nothing is written any more there
// is nothing to make. Same thread rules as Open.
func (s *Stream) Rebuild(t *worker.Thread) {
	if s.phase == discarding || s.phase == closed {
		return
	}
	if parked := s.phase == ended && s.Pipe < 0; parked {
		defer s.enter(ended)
	}
	s.carried, s.flood, s.strayed, s.lines = "", false, false, lines{}
	s.opened = false
	s.enter(resuming)
	if err := s.Open(t, false); err != nil {
		s.warn("cannot rebuild the stream yet", err)
	}
}

// GiveUp makes the stream one whose further bytes are counted and dropped: its
// container must not wait for a logger that fails again and again. After another
// fault they are counted in memory alone.
func (s *Stream) GiveUp() {
	if s.givenUp && !s.Over() {
		s.discard(Panic)
	}
	s.givenUp = true
}

// finish ends a stream whose container has closed it and whose pipe is empty. While
// files of its series are being compressed the record stays: a kill must leave
// somebody who knows that they are owed. On a busy machine that takes long; the pipe
// and the live file are not needed any more. Where too many wait the files stay plain.
func (s *Stream) finish(t *worker.Thread) Next {
	if s.phase == closed {
		return s.forget(t)
	}
	s.enter(ended)
	if err := s.countAll(); err != nil {
		s.loseCount(err)
	}
	if s.set != nil && s.set.Working() {
		if s.Parking.Admit() {
			s.saveComplete(t)
			s.closeLive()
			s.closePipe()
			return Next{Parked: true}
		}
		s.set.Forgo()
	}
	s.Close()
	return s.forget(t)
}

// forget removes what is kept of a stream that has ended.
func (s *Stream) forget(t *worker.Thread) Next {
	err := t.AsHost(s.Keeper.Forget)
	if shortage.Is(err) {
		return s.short("forget a stream that has ended", err)
	}
	if err != nil {
		s.Log.Error("the stream has ended, but not all that was kept of it could be removed", "error", err)
	}
	return Next{Ended: true}
}
