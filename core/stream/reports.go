package stream

import (
	"sluice/core/throttle"
)

// reports keep a stream from filling the log of its owner: one a minute of each kind.
type reports struct{ problems, evictions, losses, times throttle.Reports }

// warn reports a problem that stops nothing, at most once a minute.
func (s *Stream) warn(what string, err error) {
	if held, ok := s.reports.problems.Allow(s.Now()); ok {
		s.Log.Warn(what, "error", err, "held_back", held)
	}
}

// countForeign counts what a rotation has moved aside.
func (s *Stream) countForeign(number int) {
	if number == 0 {
		return
	}
	s.account.impostors.Add(int64(number))
	if held, ok := s.reports.problems.Allow(s.Now()); ok {
		s.Log.Warn("something else had names of the series; it was moved aside", "number", number, "held_back", held)
	}
}
