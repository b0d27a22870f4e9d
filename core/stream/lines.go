package stream

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	"sluice/core/pump"
	sluicepb "sluice/proto"
)

// Lines that are written are counted by their newlines, read back from the page cache
// where splice(2) put them: docs/decisions/0012. What is not counted yet is one range of
// the live file, and the record says how many there were before it, so that the next
// owner counts on from there (see resumeLive).
//
// Before the record tells of the live file as it is now, the range is empty: before a
// rotation, before a mark. Elsewhere counting waits until it is worth a system call.

const (
	// countBytes are counted at once: they are still in the processor's cache.
	countBytes = 1 << 20
	// countEvery is how long at most the lines of a busy stream wait for that.
	countEvery = time.Second
)

// lines are those that the stream wrote. Only the visiting thread has them.
type lines struct {
	known    bool  // from the stream's first byte on
	written  int64 // but for those in the range
	from, to int64 // of the live file
	since    time.Time
}

// wrote adds bytes to the range: moved of them, at the end of a live file that was size
// bytes long. Where that is not the end of the range the task has changed its file: what
// it put there is not the container's, and what it took away cannot be counted any more.
func (s *Stream) wrote(size int64, moved int) {
	l := &s.lines
	if !l.known || moved == 0 {
		return
	}
	if size != l.to {
		l.to = min(l.to, size)
		s.countLines()
		l.from = size
	}
	if l.to = size + int64(moved); l.to-l.from >= countBytes {
		s.countLines()
	}
}

// countWaiting counts where the range has waited long enough, or nobody knows when the
// next look will be.
func (s *Stream) countWaiting(now time.Time) {
	l := &s.lines
	switch {
	case l.from >= l.to:
		l.since = time.Time{}
	case l.since.IsZero():
		l.since = now
	}
	if l.to-l.from >= countBytes || s.phase == dropping || !l.since.IsZero() && now.Sub(l.since) >= countEvery {
		s.countLines()
	}
}

// CountOn has the figures tell of everything that was written, a part of it at a time:
// more says that it should be called again. What cannot be read now is left to the next
// visit. It may not overlap with Service; the engine calls it when a stream is left to its
// pipe, so that figures and times are behind only while much is written.
func (s *Stream) CountOn() (more bool) {
	s.writeTimesNow(s.Now())
	return s.countUpTo(quantumBytes) == nil && s.lines.from < s.lines.to
}

// countLines counts at most quantumBytes of the range. An error is left to whoever needs
// all of it.
func (s *Stream) countLines() {
	_ = s.countUpTo(quantumBytes)
}

// countAll empties the range. Its length is bounded by what was written since the last
// time, after a kill by the limit of the live file.
func (s *Stream) countAll() error {
	return s.countUpTo(max(0, s.lines.to-s.lines.from))
}

func (s *Stream) countUpTo(most int64) error {
	l := &s.lines
	count := min(most, l.to-l.from)
	if count <= 0 || s.live.file == nil {
		return nil
	}
	found, _, err := pump.CountLines(s.live.fd, l.from, int(count))
	if errors.Is(err, unix.ENODATA) {
		// The task has truncated the file: what it took away is not there to be counted.
		count, err = l.to-l.from, nil
	}
	if err != nil {
		return err
	}
	l.written += int64(found)
	l.from += count
	l.since = time.Time{}
	atLeast(&s.account.writtenLines, l.written)
	return nil
}

// resumeLines goes on from the record. A figure that is not in it cannot be had any more,
// but of a stream that begins.
func (s *Stream) resumeLines(a *sluicepb.Accounting) {
	known := s.CountLines && (a.WrittenLines != nil || a.GetLiveInode() == 0)
	s.lines = lines{known: known, written: a.GetWrittenLines()}
	s.account.linesKnown.Store(known)
	atLeast(&s.account.writtenLines, a.GetWrittenLines())
}

// owesLines makes what was written since the record the range. The task may have made
// its file as long as it likes: no more is read than the stream writes to one, and nothing
// from the first hole on.
func (s *Stream) owesLines(from, to int64) {
	if s.lines.known {
		s.lines.from, s.lines.to = from, firstHole(s.live.fd, from, min(to, s.Settings.MaxBytes))
	}
}

// loseCount leaves the figure out from now on: what there is of it would be wrong.
func (s *Stream) loseCount(why error) {
	s.lines = lines{}
	s.account.linesKnown.Store(false)
	s.warn("the lines that were written are not counted any more", why)
}

// noteLines puts the lines before the end of the live file into the record. The caller
// has emptied the range.
func (s *Stream) noteLines(a *sluicepb.Accounting) {
	a.WrittenLines = nil
	if s.lines.known {
		a.WrittenLines = proto.Int64(s.lines.written)
	}
}
