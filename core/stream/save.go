package stream

import (
	"sluice/core/shortage"
	"sluice/core/worker"
)

// SaveSoon has the next Visit save the record, for members of it that are not the
// stream's own. It may be called at any time.
func (s *Stream) SaveSoon() { s.saving.Store(true) }

// saveAsked saves the record if somebody asked for it. What its account says of the live
// file is that of the last time, and stays as true as it was; but where that file was
// removed by the task, nobody could tell later what had been written to it.
func (s *Stream) saveAsked(t *worker.Thread) {
	noted := s.strayed && s.noteStrayed()
	if !s.saving.Swap(false) && !noted {
		return
	}
	if err := s.save(t); shortage.Is(err) {
		s.saving.Store(true)
	} else if err != nil {
		s.warn("cannot save the record of the stream", err)
	}
}

// noteStrayed puts the account into the record as of the present live file, and reports
// false where that cannot be done now.
func (s *Stream) noteStrayed() bool {
	if s.phase == discarding || s.carried != "" || s.live == nil {
		return false
	}
	size, err := s.follow()
	if err != nil || s.countAll() != nil {
		return false
	}
	s.note(size, 0)
	return true
}

// noteComplete notes that only compressions are owed any more: the next owner would take a
// stream whose pipe nobody has for one that has lost its end.
func (s *Stream) noteComplete(t *worker.Thread) {
	if s.Record.GetComplete() {
		return
	}
	s.Record.Complete = true
	if err := s.save(t); err != nil {
		s.warn("cannot save the record of the stream", err)
	}
}

// LiveBytes is how long the live file was when it was last looked at. It may be called
// at any time.
func (s *Stream) LiveBytes() int64 { return s.liveBytes.Load() }

// LiveDiskBytes is what the live file took of the disk then, as far as the stream itself
// can have made it: holes take nothing, and no file of the stream is longer than its limit.
func (s *Stream) LiveDiskBytes() int64 {
	return min(s.liveDisk.Load(), max(s.limit, s.Settings.FirstBytes))
}
