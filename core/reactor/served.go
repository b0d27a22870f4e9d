package reactor

import (
	"log/slog"
	"time"

	"sluice/core/compression"
	"sluice/core/policyfile"
	"sluice/core/schedule"
	"sluice/core/stream"
	"sluice/core/worker"
)

// Served is a stream with all that a reactor needs to service it. Its owner embeds it and
// adds Serviced and Ended (schedule.Stream).
type Served struct {
	Stream *stream.Stream
	Member *schedule.Member
	Policy *policyfile.File
	Seat   *compression.Seat // nil where nothing is compressed
}

// Service moves what is in the pipe. It shows the policy in the sandbox before the first
// byte, and again after the last one.
func (s *Served) Service(t *worker.Thread, refused error, now time.Time, wished time.Duration) stream.Next {
	if refused == nil {
		s.Policy.Refresh(now, false)
	}
	next := s.Stream.Service(t, refused, now, wished)
	if next.Ended && refused == nil {
		s.Policy.Refresh(time.Now(), true)
	}
	return next
}

// Rebuild is that of stream.Stream, as are CountOn, Over and GiveUp.
func (s *Served) Rebuild(t *worker.Thread) { s.Stream.Rebuild(t) }

// CountOn counts a little more of what is not counted yet.
func (s *Served) CountOn() (more bool) { return s.Stream.CountOn() }

// Over says that the container has ended and its last byte is where it belongs.
func (s *Served) Over() bool { return s.Stream.Over() }

// GiveUp drops and counts what comes from now on.
func (s *Served) GiveUp() { s.Stream.GiveUp() }

// PipeFD is the reading end, borrowed; -1 once it is closed.
func (s *Served) PipeFD() int { return s.Stream.Pipe }

// Log is the stream's.
func (s *Served) Log() *slog.Logger { return s.Stream.Log }

// Serve has a stream serviced from now on.
func (r *Reactor) Serve(s *Served) {
	if byCalendar(&s.Stream.Settings.Policy) {
		r.calendar.add(s.Member, s.Stream)
	}
	r.Loop.Add(s.Member)
}

// Forget is called when a stream has ended.
func (r *Reactor) Forget(s *Served) {
	r.calendar.remove(s.Member)
	if s.Seat != nil {
		s.Seat.Leave()
	}
}
