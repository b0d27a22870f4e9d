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
// A visit is one call of Service (service.go), which does what the phase asks for (phase.go):
// it drains the pipe (drain.go) up to where a line has to be cut (cut.go) and rotates
// (rotate.go, carry.go); where that fails it backs off (backoff.go), and then drops
// (dropping.go, loss.go, spill.go) until a mark tells of it (lossend.go, mark.go). What the
// next owner has to know is announced in the record (record.go), and read from it (resume.go).
//
// A stream is passive: it moves bytes only while Service runs. It starts no
// goroutine and knows no clock but the one that it is given.
package stream

import (
	"log/slog"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/logrotate"
	"sluice/core/pump"
	"sluice/core/rotation"
	"sluice/core/sandbox"
	"sluice/core/settings"
	"sluice/core/shortage"
	"sluice/core/worker"
	sluicepb "sluice/proto"
)

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
	// Anew says that the account begins with the process, whatever is in the files.
	Anew bool
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

// Stream is one stdout or stderr. Open, Service and Close must not overlap; what may be called at
// any time says so.
type Stream struct {
	Config
	limit    int64     // of the live file, bytes
	commands bool      // the policy runs some, so that a rotation may take long
	made     time.Time // the Stream was

	phase        phase // enter changes it
	discardCause Cause // while discarding
	opened       bool  // Open has got all that a visit needs; until then each visit tries
	givenUp      bool  // faults again and again: what comes is dropped, and no end of that is tried

	scratch *pump.Scratch // of the thread, while a visit lasts
	live    liveFile      // the file that is written, if there is one
	series  series        // the files before it, and the rotation that is under way
	flow    flow          // how much came lately, and may come
	backoff backoff       // while writing fails
	room    room          // what a full disk has been given
	loss    loss          // while dropping
	lines   lines         // that were written
	timed   timed         // when
	account account       // of all bytes

	asked   asked   // by other threads
	shown   shown   // to other threads
	reports reports // to the log
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
		series:   series{next: rotation.LiveFile{Mode: liveMode, UID: -1, GID: -1}},
		flow:     flow{rate: bucket{perSecond: config.Settings.MaxRateBytes}},
	}
	s.Rotation.Kept, s.Rotation.MakeLive = s.keeps(config.Rotation.Kept), s.makeLive
	return s
}

// Close releases the descriptors, without a look at what is still in the pipe:
// that is there for the next owner.
func (s *Stream) Close() {
	s.enter(closed)
	s.closeTimes()
	s.closeLive()
	if s.series.set != nil {
		_ = s.series.set.Close()
		s.series.set = nil
	}
	s.loss.spill.close()
	s.refuseRotation(errStreamEnded)
	s.shown.open.Store(false)
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
	s.closeTimes()
	s.series.carried, s.flow.flood, s.live.strayed, s.lines = "", false, false, lines{}
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
	s.writeTimesNow(s.Now())
	if s.series.set != nil && s.series.set.Working() {
		if s.Parking.Admit() {
			s.saveComplete(t)
			s.closeLive()
			s.closePipe()
			return Next{Parked: true}
		}
		s.series.set.Forgo()
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
