package stream

import (
	"fmt"
)

// resumeAccount continues the account of the record, but for what the live file tells.
func (s *Stream) resumeAccount() {
	a := s.Record.GetAccounting()
	atLeast(&s.account.writtenBytes, a.GetWrittenBytes())
	s.account.rotations.Store(a.GetRotations())
	s.resumeLines(a)
	s.account.resumeTotals(a)
	s.shown.lastRotation.Store(a.GetLastRotationUnixNano())
}

// resumeLive adds what the live file tells. If it is still the one that the record knows,
// what it has beyond live_start_bytes came after the record; else all of it did, but for
// what was carried over from the file before. A mark that the record announces is not
// the container's.
func (s *Stream) resumeLive() error {
	if s.live.file == nil {
		return nil
	}
	a := s.Record.GetAccounting()
	written := a.GetWrittenBytes()
	s.account.marks.Store(a.GetMarks())
	s.account.markBytes.Store(a.GetMarkBytes())
	size, err := s.follow()
	if err != nil {
		return fmt.Errorf("resume the account of %q: %w", s.Name, err)
	}
	switch {
	case s.isLive():
		mark, err := s.resumeMark(size)
		if err != nil {
			return err
		}
		if size, err = s.follow(); err != nil {
			return fmt.Errorf("resume the account of %q: %w", s.Name, err)
		}
		since, err := s.writtenWithin(a.GetLiveStartBytes()+mark, size)
		if err != nil {
			return fmt.Errorf("resume the account of %q: %w", s.Name, err)
		}
		written += since
		s.owesLines(a.GetLiveStartBytes()+mark, size)
	case a.GetLiveInode() != 0:
		since, err := s.writtenWithin(a.GetCarriedBytes(), size)
		if err != nil {
			return fmt.Errorf("resume the account of %q: %w", s.Name, err)
		}
		written += since
		s.owesLines(a.GetCarriedBytes(), size)
		s.account.rotations.Store(a.GetRotations() + 1)
	default:
		// The first live file: what it has already is not this stream's.
		s.noteBegin(size)
	}
	s.account.writtenBytes.Store(max(0, written))
	return nil
}
