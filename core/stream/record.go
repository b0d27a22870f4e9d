package stream

import (
	"time"

	"google.golang.org/protobuf/proto"

	"sluice/core/shortage"
	"sluice/core/worker"
	sluicepb "sluice/proto"
)

// The record is what the next owner goes on from (resume.go). It is changed here and saved
// here, but for the figures of a loss, which are its own (loss.add). A change is saved before
// what it announces is done: a rotation, a mark, the first byte that is dropped. So a kill
// in between leaves a record that the length of the live file completes.

// save writes the record with the totals as they are now.
func (s *Stream) save(t *worker.Thread) error {
	s.account.noteTotals(s.Record.GetAccounting())
	return t.AsHost(func() error { return s.Keeper.Save(s.Record) })
}

// note puts the account into the record, as it is while the live file is size bytes
// long: before a rotation that moves the last carried bytes to the next file, or
// before a mark is written at that length. The lines before it are counted first; where
// that fails the record is as it was.
func (s *Stream) note(size, carried int64) error {
	if err := s.countAll(); err != nil {
		return err
	}
	a := s.Record.GetAccounting()
	a.WrittenBytes = s.account.writtenBytes.Load()
	a.Rotations = s.account.rotations.Load()
	a.Marks, a.MarkBytes = s.account.marks.Load(), s.account.markBytes.Load()
	a.LastRotationUnixNano = s.shown.lastRotation.Load()
	a.LiveInode, a.LiveStartBytes, a.CarriedBytes = s.live.inode, size, carried
	a.LiveBirth = birthRecord(s.live.inode, s.live.birth, a.WrittenBytes)
	a.Mark = nil
	s.live.strayed = false
	s.noteLines(a)
	return nil
}

// noteBegin has the record begin with the first live file: the size bytes that it has already
// are not this stream's.
func (s *Stream) noteBegin(size int64) {
	a := s.Record.GetAccounting()
	a.LiveInode, a.LiveStartBytes = s.live.inode, size
	a.LiveBirth = birthRecord(s.live.inode, s.live.birth, a.GetWrittenBytes())
	s.noteLines(a)
}

// saveRotation announces a rotation of a live file of size bytes, of which the last carried go
// to the next; continues says that a line goes on there without that. Where the record cannot
// be saved for anything but a shortage the rotation goes on: the series stays exact, only an
// account read after a kill would not be.
func (s *Stream) saveRotation(t *worker.Thread, now time.Time, size, carried int64, continues bool) error {
	before := s.shown.lastRotation.Swap(now.UnixNano())
	if err := s.note(size, carried); err != nil {
		s.shown.lastRotation.Store(before)
		return err
	}
	s.Record.GetAccounting().ContinuesLine = continues
	err := s.save(t)
	if err != nil && !shortage.Is(err) {
		s.Log.Error("cannot save the account of the stream", "error", err)
		return nil
	}
	return err
}

// saveMark announces the mark of a loss, of so many bytes, at the end of a live file of size.
func (s *Stream) saveMark(t *worker.Thread, size int64, gap *sluicepb.Gap, bytes int) error {
	if err := s.note(size, 0); err != nil {
		return err
	}
	s.Record.GetAccounting().Mark = &sluicepb.Mark{GapSinceUnixNano: gap.GetSinceUnixNano(), Bytes: int64(bytes)}
	return s.save(t)
}

// saveGap announces a loss, before its first byte is dropped. After an error there is none.
func (s *Stream) saveGap(t *worker.Thread, gap *sluicepb.Gap) error {
	s.noteGap(gap)
	err := s.save(t)
	if err != nil {
		s.forgetGap()
	}
	return err
}

// noteGap has the record tell of a loss.
func (s *Stream) noteGap(gap *sluicepb.Gap) { s.Record.GetAccounting().Gap = gap }

// noteChunk counts a chunk that went through the spill, so that the next one lies elsewhere.
func (s *Stream) noteChunk() { s.Record.GetAccounting().SpilledChunks++ }

// noteUnattended has the record tell of a gap that a mark will tell of, once it is saved.
func (s *Stream) noteUnattended(gap *sluicepb.Gap) {
	s.noteGap(gap)
	s.Record.GetUnattended().Marked = true
}

// forgetGap takes a loss out of the record. The next owner learns of that when it is next
// saved; until then it tells by the mark.
func (s *Stream) forgetGap() { s.noteGap(nil) }

// saveFirstEnd announces the mark behind the first bytes, which ends a live file of size. Only
// a shortage is an error, and leaves all as it was.
func (s *Stream) saveFirstEnd(t *worker.Thread, size int64, mark []byte) error {
	if err := s.note(size+int64(len(mark)), 0); err != nil {
		s.loseCount(err)
		_ = s.note(size+int64(len(mark)), 0) // there is nothing to count any more
	}
	s.Record.FirstEndBytes = size
	if err := s.save(t); shortage.Is(err) {
		s.Record.FirstEndBytes = 0
		return err
	} else if err != nil {
		s.Log.Error("cannot save the account of the stream", "error", err)
	}
	return nil
}

// SaveSoon has the next visit save the record, for members of it that are not the
// stream's own. It may be called at any time.
func (s *Stream) SaveSoon() { s.asked.save.Store(true) }

// saveAsked saves the record if somebody asked for it. What its account says of the live
// file is that of the last time, and stays as true as it was; but where that file was
// removed by the task, nobody could tell later what had been written to it.
func (s *Stream) saveAsked(t *worker.Thread) {
	noted := s.live.strayed && s.noteStrayed()
	if !s.asked.save.Swap(false) && !noted {
		return
	}
	if err := s.save(t); shortage.Is(err) {
		s.asked.save.Store(true)
	} else if err != nil {
		s.warn("cannot save the record of the stream", err)
	}
}

// noteStrayed puts the account into the record as of the present live file, and reports
// false where that cannot be done now.
func (s *Stream) noteStrayed() bool {
	if s.phase == discarding || s.series.carried != "" || s.live.file == nil {
		return false
	}
	size, err := s.follow()
	return err == nil && s.note(size, 0) == nil
}

// saveComplete tells that only compressions are owed any more: the next owner would take a
// stream whose pipe nobody has for one that has lost its end.
func (s *Stream) saveComplete(t *worker.Thread) {
	if s.Record.GetComplete() {
		return
	}
	s.Record.Complete = true
	if err := s.save(t); err != nil {
		s.warn("cannot save the record of the stream", err)
	}
}

// saveTaken puts the account into the interlude of a record that a newer version wrote, as
// it is when the live file has just been opened: with what that version left it tells what
// this one has done since. It runs when the account was resumed.
func (s *Stream) saveTaken(t *worker.Thread) {
	interlude := s.Record.GetInterlude()
	if interlude == nil || interlude.GetTaken() != nil {
		return
	}
	if s.live.file != nil && s.series.carried == "" {
		size, err := s.follow()
		if err == nil {
			err = s.note(size, 0)
		}
		if s.outlived(err) {
			return
		}
		if err != nil {
			s.warn("cannot note what a newer version left", err)
			return
		}
	}
	a := s.Record.GetAccounting()
	s.account.noteTotals(a)
	interlude.Taken = proto.Clone(a).(*sluicepb.Accounting)
	if err := s.save(t); err != nil {
		s.warn("cannot save the account of the stream", err)
	}
}
