package stream

import (
	"fmt"

	"sluice/core/logformat"
	"sluice/core/worker"
)

// Of a stream that keeps only its first bytes the file ends with a line of ours, in
// place of the first byte that was not kept; a newline goes before it where the file
// ends within a line. It is a line like the others that begin with [sluice].
const (
	firstMark     = "[sluice] %s only the first %d bytes are kept, what follows is discarded (debug_containers=first)\n"
	firstMarkRoom = len(firstMark) + len(logformat.TimeLayout) + len("\n") + 20 // the number's digits
)

// firstLimit is how many bytes of the container's own the file may hold.
func firstLimit(firstBytes int64) int64 { return firstBytes - int64(firstMarkRoom) }

// endFirst makes a stream one whose further bytes are counted and dropped: the live
// file has size bytes, and the next line does not fit. The record is saved before
// the mark is written and describes the file with it, so that a kill in between
// leaves neither a false account nor a file without its mark (see resumeFirst).
// Whatever fails, the container is not held back; a shortage alone is an error, and
// leaves all as it was.
func (s *Stream) endFirst(t *worker.Thread, size int64) error {
	mark, err := s.firstMark(size)
	if err != nil {
		s.warn("cannot read where the first bytes end; they stay without a mark", err)
	}
	if err := s.saveFirstEnd(t, size, mark); err != nil {
		return err
	}
	if err := s.writeFirstMark(mark, size); err != nil {
		s.warn("the first bytes stay without a mark", err)
	}
	s.discard(Discarded)
	return nil
}

// firstMark is what goes behind the first bytes; nothing where a file that was there
// before leaves no room.
func (s *Stream) firstMark(size int64) ([]byte, error) {
	if size > s.limit {
		return nil, nil
	}
	last := make([]byte, 1)
	if _, err := s.live.file.ReadAt(last, size-1); err != nil {
		return nil, fmt.Errorf("read the end of %q: %w", s.Name, err)
	}
	mark := fmt.Appendf(nil, firstMark, s.Now().UTC().Format(logformat.TimeLayout), s.Settings.FirstBytes)
	if last[0] != '\n' {
		mark = append([]byte{'\n'}, mark...)
	}
	return mark, nil
}

func (s *Stream) writeFirstMark(mark []byte, at int64) error {
	if len(mark) == 0 {
		return nil
	}
	if _, err := s.live.file.WriteAt(mark, at); err != nil {
		return fmt.Errorf("write the mark into %q: %w", s.Name, err)
	}
	return nil
}

// resumeFirst goes on with a stream whose first bytes were full: the mark is written
// if a kill came before it. It runs when the account was resumed.
func (s *Stream) resumeFirst() error {
	end := s.Record.GetFirstEndBytes()
	if end == 0 || s.live.file == nil {
		return nil
	}
	size, err := s.follow()
	if err != nil {
		return fmt.Errorf("resume the first bytes of %q: %w", s.Name, err)
	}
	s.discard(Discarded)
	a := s.Record.GetAccounting()
	if s.live.file == nil || !s.isLive() || size < end || size >= a.GetLiveStartBytes() {
		return nil // whole, or the task's by now
	}
	mark, err := s.firstMark(end)
	if err != nil {
		return err
	}
	if err := s.writeFirstMark(mark, end); err != nil {
		s.warn("the first bytes stay without a mark", err)
		return nil
	}
	s.account.writtenBytes.Store(a.GetWrittenBytes())
	return nil
}
