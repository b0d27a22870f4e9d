package stream

import (
	"time"

	"golang.org/x/sys/unix"

	sluicepb "sluice/proto"
)

// A pipe that nobody has open keeps nothing. Where a container ended while neither an
// agent, a keeper nor the service manager had its pipe, what was in there is gone, and
// nobody knows how much it was, or whether it was anything. The owner that finds such a
// stream says so in its record (Unattended), and the log ends with a mark, which is
// written as that of any other gap.

// unattendedReason is why, in the words of a mark.
const unattendedReason = "its container ended while nobody had the pipe open"

// owesUnattended tells whether the log has yet to tell that.
func (s *Stream) owesUnattended() bool {
	u := s.Record.GetUnattended()
	return u != nil && !u.GetMarked() && s.phase != discarding && !s.Sandbox.Removed()
}

// beginUnattended begins the gap at the end of such a stream. Until its mark is announced
// in the record nothing of this is, and the next owner finds the stream as this one did.
func (s *Stream) beginUnattended(now time.Time) Next {
	gap := &sluicepb.Gap{SinceUnixNano: s.lastWritten(now), Unknown: true}
	s.noteUnattended(gap)
	s.loss.begin(gap, time.Time{})
	s.backoff.since = time.Time{}
	s.enter(dropping)
	return Next{Busy: true}
}

// lastWritten is the latest time up to which the log is known to be whole: that of its last
// write. The task can set the times of its file; that is a time of the stream all the same.
func (s *Stream) lastWritten(now time.Time) int64 {
	last := max(s.Record.GetCreatedUnixNano(), s.shown.lastRotation.Load())
	var st unix.Stat_t
	if s.live.file != nil && unix.Fstat(s.live.fd, &st) == nil && st.Size > 0 {
		last = max(last, st.Mtim.Nano())
	}
	return min(last, now.UnixNano())
}
