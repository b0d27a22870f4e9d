package stream

import "sluice/core/worker"

// SaveSoon has the next Visit save the record, for members of it that are not the
// stream's own. It may be called at any time.
func (s *Stream) SaveSoon() { s.saving.Store(true) }

// saveAsked saves the record if somebody asked for it. What its account says of the live
// file is that of the last time, and stays as true as it was.
func (s *Stream) saveAsked(t *worker.Thread) {
	if !s.saving.CompareAndSwap(true, false) {
		return
	}
	if err := s.save(t); err != nil {
		s.warn("cannot save the record of the stream", err)
	}
}

// LiveBytes is how long the live file was when it was last looked at. It may be called
// at any time.
func (s *Stream) LiveBytes() int64 { return s.liveBytes.Load() }
