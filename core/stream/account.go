package stream

import (
	"sync/atomic"
	"time"

	"sluice/core/rotation"
	sluicepb "sluice/proto"
)

// Loss is output that was taken out of the pipe and kept nowhere. Lines are counted
// by their ends.
type Loss struct{ Bytes, Lines int64 }

// Account is what became of the bytes of a stream so far: those that came in were
// written or dropped, and all others are still in the pipe. Marks are not the
// container's and count for themselves.
type Account struct {
	WrittenBytes, DroppedBytes, DroppedLines int64
	// Dropped is what the totals consist of.
	Dropped [Causes]Loss
	// WrittenLines are those of WrittenBytes, a mebibyte or a second behind while much
	// comes; LinesKnown says that they were counted from the first byte on.
	WrittenLines int64
	LinesKnown   bool
	// Marks are the lines in the log that tell of a loss.
	Marks, MarkBytes int64
	// Files and DiskBytes are what the series has now, with the live file, as far as the
	// stream itself made it.
	Files, DiskBytes int64
	// RoomFiles are rotated files that made room on a full disk.
	RoomFiles, RoomBytes int64
	// LongestBlocked is how long at most the output was held back because of the disk.
	LongestBlocked time.Duration

	Rotations, RotationErrors      int64
	WriteErrors, Impostors, Visits int64
}

// InBytes is what was taken out of the pipe: all of it was written or dropped.
func (a Account) InBytes() int64 { return a.WrittenBytes + a.DroppedBytes }

// InLines is the same in lines, where they are known.
func (a Account) InLines() int64 { return a.WrittenLines + a.DroppedLines }

// Plus adds two accounts up.
func (a Account) Plus(b Account) Account {
	sum := Account{
		WrittenBytes: a.WrittenBytes + b.WrittenBytes, DroppedBytes: a.DroppedBytes + b.DroppedBytes,
		DroppedLines: a.DroppedLines + b.DroppedLines,
		WrittenLines: a.WrittenLines + b.WrittenLines, LinesKnown: a.LinesKnown || b.LinesKnown,
		Marks: a.Marks + b.Marks, MarkBytes: a.MarkBytes + b.MarkBytes,
		Files: a.Files + b.Files, DiskBytes: a.DiskBytes + b.DiskBytes,
		RoomFiles: a.RoomFiles + b.RoomFiles, RoomBytes: a.RoomBytes + b.RoomBytes,
		LongestBlocked: max(a.LongestBlocked, b.LongestBlocked),
		Rotations:      a.Rotations + b.Rotations, RotationErrors: a.RotationErrors + b.RotationErrors,
		WriteErrors: a.WriteErrors + b.WriteErrors, Impostors: a.Impostors + b.Impostors, Visits: a.Visits + b.Visits,
	}
	for cause := range sum.Dropped {
		sum.Dropped[cause].Bytes = a.Dropped[cause].Bytes + b.Dropped[cause].Bytes
		sum.Dropped[cause].Lines = a.Dropped[cause].Lines + b.Dropped[cause].Lines
	}
	return sum
}

// account is an Account that is written by one thread and read by any.
type account struct {
	writtenBytes               atomic.Int64
	writtenLines               atomic.Int64
	linesKnown                 atomic.Bool
	dropped                    [Causes]dropped
	marks, markBytes           atomic.Int64
	rotatedFiles, rotatedBytes atomic.Int64
	roomFiles, roomBytes       atomic.Int64
	longestBlocked             atomic.Int64 // nanoseconds
	rotations, rotationErrors  atomic.Int64
	writeErrors, impostors     atomic.Int64
	visits                     atomic.Int64
}

type dropped struct{ bytes, lines atomic.Int64 }

// Account gives the figures as they are now. It waits for nothing.
func (s *Stream) Account() Account {
	a := &s.account
	now := Account{
		WrittenBytes: a.writtenBytes.Load(),
		WrittenLines: a.writtenLines.Load(), LinesKnown: a.linesKnown.Load(),
		Marks: a.marks.Load(), MarkBytes: a.markBytes.Load(),
		RoomFiles: a.roomFiles.Load(), RoomBytes: a.roomBytes.Load(),
		LongestBlocked: max(time.Duration(a.longestBlocked.Load()), s.heldUp()),
		Rotations:      a.rotations.Load(), RotationErrors: a.rotationErrors.Load(),
		WriteErrors: a.writeErrors.Load(), Impostors: a.impostors.Load(), Visits: a.visits.Load(),
	}
	if s.shown.open.Load() {
		now.Files += a.rotatedFiles.Load() + 1
		now.DiskBytes += a.rotatedBytes.Load() + s.LiveDiskBytes()
	}
	for cause := range now.Dropped {
		lost := Loss{a.dropped[cause].bytes.Load(), a.dropped[cause].lines.Load()}
		now.Dropped[cause] = lost
		now.DroppedBytes += lost.Bytes
		now.DroppedLines += lost.Lines
	}
	return now
}

// shown is what other threads may look at while a visit is under way.
type shown struct {
	open         atomic.Bool  // there is a live file
	blocked      atomic.Bool  // the last write failed
	dropping     atomic.Bool  // the phase is dropping, or discarding for a failure
	visiting     atomic.Int64 // nanoseconds from made to the begin of the visit under way; 0: none
	liveBytes    atomic.Int64 // when last looked at
	liveDisk     atomic.Int64 // of them, those that take blocks
	timesBytes   atomic.Int64 // of the time index
	lastRotation atomic.Int64 // Unix nanoseconds; 0: never
}

// LiveBytes is how long the live file was when it was last looked at. It may be called
// at any time.
func (s *Stream) LiveBytes() int64 { return s.shown.liveBytes.Load() }

// LiveDiskBytes is what the live file took of the disk then, as far as the stream itself
// can have made it, with the time index: holes take nothing, and no file of the stream is
// longer than its limit.
func (s *Stream) LiveDiskBytes() int64 {
	return min(s.shown.liveDisk.Load(), max(s.limit, s.Settings.FirstBytes)) + s.shown.timesBytes.Load()
}

// keeps gives the function that hears what the rotated files take, and tells others.
func (s *Stream) keeps(others func(*rotation.Set, rotation.Kept, bool)) func(*rotation.Set, rotation.Kept, bool) {
	return func(set *rotation.Set, now rotation.Kept, rotated bool) {
		if rotated {
			s.sawLive(0, 0)
		}
		s.account.rotatedBytes.Store(now.Bytes)
		s.account.rotatedFiles.Store(int64(now.Files))
		if others != nil {
			others(set, now, rotated)
		}
	}
}

// drop counts what is in the pipe no more.
func (a *account) drop(cause Cause, bytes, lines int) {
	a.dropped[cause].bytes.Add(int64(bytes))
	a.dropped[cause].lines.Add(int64(lines))
}

// blockedFor notes how long the output has been held back.
func (a *account) blockedFor(d time.Duration) {
	a.longestBlocked.Store(max(a.longestBlocked.Load(), int64(d)))
}

// noteTotals puts what only grows into the record.
func (a *account) noteTotals(r *sluicepb.Accounting) {
	r.Losses, r.DroppedBytes, r.DroppedLines = r.Losses[:0], 0, 0
	for cause := range a.dropped {
		bytes, lines := a.dropped[cause].bytes.Load(), a.dropped[cause].lines.Load()
		if bytes > 0 {
			r.Losses = append(r.Losses, &sluicepb.Loss{Cause: sluicepb.Cause(cause), Bytes: bytes, Lines: lines})
		}
		r.DroppedBytes += bytes
		r.DroppedLines += lines
	}
	r.EvictedFiles, r.EvictedBytes = a.roomFiles.Load(), a.roomBytes.Load()
	r.LongestBlockedNanos = a.longestBlocked.Load()
}

// resumeTotals is the way back. What a stream that is rebuilt has counted beyond its
// record stays.
func (a *account) resumeTotals(r *sluicepb.Accounting) {
	recorded := [Causes]Loss{Unknown: {r.GetDroppedBytes(), r.GetDroppedLines()}}
	for _, l := range r.GetLosses() {
		recorded[Unknown].Bytes -= l.GetBytes()
		recorded[Unknown].Lines -= l.GetLines()
		if cause := understood(l.GetCause()); cause != Unknown {
			recorded[cause] = Loss{l.GetBytes(), l.GetLines()}
		} else {
			recorded[Unknown].Bytes += l.GetBytes()
			recorded[Unknown].Lines += l.GetLines()
		}
	}
	for cause, lost := range recorded {
		atLeast(&a.dropped[cause].bytes, lost.Bytes)
		atLeast(&a.dropped[cause].lines, lost.Lines)
	}
	atLeast(&a.roomFiles, r.GetEvictedFiles())
	atLeast(&a.roomBytes, r.GetEvictedBytes())
	atLeast(&a.longestBlocked, r.GetLongestBlockedNanos())
}

func atLeast(figure *atomic.Int64, least int64) { figure.Store(max(figure.Load(), least)) }
