package stream

import (
	"bytes"
	"fmt"
	"io"
)

// fitting tells how many bytes at the head of the pipe may go to the end of the
// live file, which is size bytes long. Zero means that it must be rotated first,
// which is only said while there is something to write.
//
// The cut falls behind the last newline that fits. Where the first line in the
// pipe does not fit, its beginning may be in the file already: rotate then carries
// it over. Only a line that begins where the file begins, and so is longer than
// the limit by itself, is cut at the limit.
func (s *Stream) fitting(size int64, budget int) (count int, err error) {
	s.flow.cut = false
	room := s.limit - size
	if room > int64(budget) {
		// More than is moved at a time: no line can meet the limit.
		return budget, nil
	}
	buffered, err := s.scratch.Ready(s.Pipe)
	if err != nil {
		return 0, err
	}
	if room <= 0 {
		return 0, nil
	}
	if int64(buffered) <= room {
		// Not a byte more than is known to be there: what comes meanwhile could be
		// the beginning of a line that does not fit.
		return buffered, nil
	}
	s.flow.cut = true
	lines, seen, err := s.scratch.WholeLines(s.Pipe, int(room))
	if err != nil || lines > 0 {
		return lines, err
	}
	if int64(seen) < room {
		return seen, nil
	}
	if size == 0 {
		return int(room), nil
	}
	start, err := s.lineStart(size)
	if err != nil || start > 0 {
		return 0, err
	}
	return int(room), nil
}

// scanBytes is how much of the live file is read at a time to find a line's start.
const scanBytes = 64 << 10

// lineStart is the offset behind the last newline in the first size bytes of the
// live file: where the line begins that the next byte belongs to. Only what this logger
// wrote there is searched: a task can make its file as long as it likes at no cost, and
// a line that it has broken by that begins behind what it added.
func (s *Stream) lineStart(size int64) (int64, error) {
	own := s.live.own.from(s.live.fd, size)
	buffer := make([]byte, min(scanBytes, size-own))
	for end := size; end > own; {
		begin := max(own, end-scanBytes)
		chunk := buffer[:end-begin]
		if _, err := s.live.file.ReadAt(chunk, begin); err != nil && err != io.EOF {
			return 0, fmt.Errorf("read the last line of %q: %w", s.Name, err)
		}
		if i := bytes.LastIndexByte(chunk, '\n'); i >= 0 {
			return begin + int64(i) + 1, nil
		}
		end = begin
	}
	return own, nil
}
