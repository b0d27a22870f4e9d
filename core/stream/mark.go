package stream

import (
	"errors"
	"fmt"
	"io"
	"time"

	"sluice/core/logformat"
	"sluice/core/pump"
	"sluice/core/worker"
)

// writeMark writes the mark of the gap to the end of the live file, which is size bytes
// long and has room for it. The record is saved before, and tells with the length of
// the file whether the mark is there (unmark), so that it is written once.
func (s *Stream) writeMark(t *worker.Thread, now time.Time, size int64) error {
	torn, err := s.torn(size)
	if err != nil {
		return err
	}
	text := s.loss.markText(now, torn)
	if err := s.saveMark(t, size, s.loss.gap, len(text)); err != nil {
		return err
	}
	if _, err := pump.WriteAt(s.live.fd, text, size); err != nil {
		_, again := s.unmark(size + int64(len(text)))
		return errors.Join(err, again)
	}
	s.live.own.wrote(size, len(text))
	s.account.marks.Add(1)
	s.account.markBytes.Add(int64(len(text)))
	s.timeMoved()
	s.sawLive(size+int64(len(text)), s.shown.liveDisk.Load()+int64(len(text)))
	return nil
}

// unmark cuts off the part of a mark that was written before an error, and gives the
// length of the live file, before it was size.
func (s *Stream) unmark(size int64) (int64, error) {
	account := s.Record.GetAccounting()
	mark, at := account.GetMark(), account.GetLiveStartBytes()
	if mark == nil || mark.GetGapSinceUnixNano() != s.loss.gap.GetSinceUnixNano() ||
		!s.isLive() || size <= at {
		return size, nil
	}
	if err := s.live.file.Truncate(at); err != nil {
		return size, fmt.Errorf("take back a mark that could not be written: %w", err)
	}
	return at, nil
}

// resumeMark tells how many bytes of the live file, which has size, are the mark that
// the record announces. One that a kill broke off is cut away and written again; one
// that is whole has closed the gap.
func (s *Stream) resumeMark(size int64) (markBytes int64, err error) {
	account := s.Record.GetAccounting()
	mark, at := account.GetMark(), account.GetLiveStartBytes()
	if mark == nil || size <= at {
		return 0, nil
	}
	text := make([]byte, min(mark.GetBytes(), logformat.MaxMarkBytes))
	n, err := s.live.file.ReadAt(text, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("read a mark of %q: %w", s.Name, err)
	}
	written, whole := logformat.ParseText(text[:n])
	if !whole {
		if size < at+mark.GetBytes() {
			err = s.live.file.Truncate(at)
		}
		return 0, err
	}
	if account.GetGap().GetSinceUnixNano() == mark.GetGapSinceUnixNano() {
		s.told(written)
	}
	s.account.marks.Add(1)
	s.account.markBytes.Add(int64(n))
	return int64(n), nil
}

// told takes what a mark in the log tells of off the gap. What was lost after it, before
// the log could be opened again, is a gap of its own.
func (s *Stream) told(mark logformat.Mark) {
	gap := s.Record.GetAccounting().GetGap()
	if gap.GetBytes() > mark.Bytes {
		gap.SinceUnixNano++ // another name
		gap.Bytes -= mark.Bytes
		gap.Lines = max(0, gap.Lines-mark.Lines)
		return
	}
	s.loss.end()
	s.forgetGap()
	s.enter(serving)
}
