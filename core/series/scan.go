package series

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"

	"sluice/core/logformat"
)

// scan is what the content of one file looks like.
type scan struct {
	bytes    int64
	newlines int64
	// endBytes follow the last newline.
	endBytes int64
	// marks are the first maxMarks of them, marked tells of all.
	marks   []logformat.Mark
	marked  lost
	damaged error
	// zeros are NUL bytes in rows of at least zeroBytes, of which the first began at firstZero.
	zeros, firstZero, zeroRow int64
}

// lost sums up what marks tell, as far as it can be counted: a task can write marks, too.
type lost struct{ marks, bytes, lines, unknown int64 }

func (l *lost) add(other lost) {
	l.marks, l.bytes, l.lines = atMost(l.marks, other.marks), atMost(l.bytes, other.bytes), atMost(l.lines, other.lines)
	l.unknown = atMost(l.unknown, other.unknown)
}

// atMost is a sum of what is not negative, which stays at the highest number there is.
func atMost(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

const (
	// maxMarks of one file are told one by one.
	maxMarks = 20
	// zeroBytes in a row are no text: a power cut leaves them where the file system had noted a
	// file's length before its bytes.
	zeroBytes = 64
)

// takeZeros looks for rows of NUL bytes.
func (s *scan) takeZeros(chunk []byte) {
	for at := 0; at < len(chunk); {
		if s.zeroRow == 0 {
			next := bytes.IndexByte(chunk[at:], 0)
			if next < 0 {
				return
			}
			at += next
		}
		row := at
		for at < len(chunk) && chunk[at] == 0 {
			at++
		}
		before := s.zeroRow
		s.zeroRow += int64(at - row)
		switch {
		case s.zeroRow < zeroBytes:
		case before >= zeroBytes:
			s.zeros += s.zeroRow - before
		default:
			if s.zeros == 0 {
				s.firstZero = s.bytes + int64(at) - s.zeroRow
			}
			s.zeros += s.zeroRow
		}
		if at < len(chunk) {
			s.zeroRow = 0
		}
	}
}

// read takes a file in, to its end or `most` bytes. Errors but damage are returned.
func (s *scan) read(from io.Reader, most int64) error {
	buffer := make([]byte, copyBytes)
	line := make([]byte, 0, logformat.MaxMarkBytes+1) // the beginning of the present line
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
	s.takeZeros(chunk)
	s.bytes += int64(len(chunk))
	for len(chunk) > 0 {
		end := bytes.IndexByte(chunk, '\n')
		part := chunk
		if end >= 0 {
			part = chunk[:end]
		}
		if room := logformat.MaxMarkBytes + 1 - len(line); room > 0 {
			line = append(line, part[:min(room, len(part))]...)
		}
		if end < 0 {
			s.endBytes += int64(len(chunk))
			return line
		}
		s.newlines++
		s.endBytes = 0
		if bytes.HasPrefix(line, []byte(logformat.MarkPrefix)) {
			if mark, ok := logformat.ParseMark(line); ok {
				s.marked.add(lostBy(mark))
				if len(s.marks) < maxMarks {
					s.marks = append(s.marks, mark)
				}
			}
		}
		chunk, line = chunk[end+1:], line[:0]
	}
	return line
}

// lostBy is what one mark adds to the sums.
func lostBy(m logformat.Mark) lost {
	if m.Unknown {
		return lost{marks: 1, unknown: 1}
	}
	return lost{marks: 1, bytes: m.Bytes, lines: m.Lines}
}

// amountOf is what was lost, in words.
func amountOf(m logformat.Mark) string {
	if m.Unknown {
		return "an unknown amount, perhaps nothing, was lost"
	}
	return fmt.Sprintf("%d bytes in %d lines were lost", m.Bytes, m.Lines)
}
