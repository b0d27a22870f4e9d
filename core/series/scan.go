package series

import (
	"bytes"
	"errors"
	"io"
)

// scan is what the content of one file looks like.
type scan struct {
	bytes    int64
	newlines int64
	// endBytes follow the last newline.
	endBytes int64
	marks    []Mark
	damaged  error
}

// read takes a file in, to its end or `most` bytes. Errors but damage are returned.
func (s *scan) read(from io.Reader, most int64) error {
	buffer := make([]byte, copyBytes)
	line := make([]byte, 0, maxMarkBytes+1) // the beginning of the present line
	from = io.LimitReader(from, most)
	for {
		n, err := from.Read(buffer)
		line = s.take(buffer[:n], line)
		switch {
		case err == nil:
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, ErrDamaged):
			s.damaged = err
			return nil
		default:
			return err
		}
	}
}

// take goes through the lines of a chunk. line is the beginning of the first one.
func (s *scan) take(chunk, line []byte) []byte {
	s.bytes += int64(len(chunk))
	for len(chunk) > 0 {
		end := bytes.IndexByte(chunk, '\n')
		part := chunk
		if end >= 0 {
			part = chunk[:end]
		}
		if room := maxMarkBytes + 1 - len(line); room > 0 {
			line = append(line, part[:min(room, len(part))]...)
		}
		if end < 0 {
			s.endBytes += int64(len(chunk))
			return line
		}
		s.newlines++
		s.endBytes = 0
		if bytes.HasPrefix(line, []byte(markPrefix)) {
			if mark, ok := ParseMark(line); ok {
				s.marks = append(s.marks, mark)
			}
		}
		chunk, line = chunk[end+1:], line[:0]
	}
	return line
}
