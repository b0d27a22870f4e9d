package compression

import (
	"log/slog"
	"time"
)

// Seat is the place of one stream whose container has ended, and which waits for its
// compressions. It belongs to whoever services the stream.
type Seat struct {
	queue *Queue
	log   *slog.Logger // of the stream
	taken bool
}

// NewSeat makes a seat that is not taken.
func (q *Queue) NewSeat(log *slog.Logger) *Seat { return &Seat{queue: q, log: log} }

// Admit says whether the stream may wait (stream.Parking). If it may not, its files stay as
// they are.
func (s *Seat) Admit() bool {
	q := s.queue
	switch {
	case s.taken:
		return true
	case q.seated.Add(1) <= q.seats:
		s.taken = true
		return true
	}
	q.seated.Add(-1)
	if held, ok := q.refused.Allow(time.Now()); ok {
		s.log.Warn("the rotated files of a container that has ended stay uncompressed: too many others wait for a compression",
			"waiting", q.waiting.Load(), "held_back", held)
	}
	return false
}

// Taken tells whether the stream waits.
func (s *Seat) Taken() bool { return s.taken }

// Leave ends the wait of the stream.
func (s *Seat) Leave() {
	if s.taken {
		s.taken = false
		s.queue.seated.Add(-1)
	}
}
