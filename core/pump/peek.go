package pump

import (
	"bytes"
)

// WholeLines tells how many of the first room bytes in the pipe are whole lines: the length
// up to and including the last newline among them, 0 if there is none. seen is how many bytes
// it could look at: the pipe may hold less than room, and its head may be in more pieces than
// fit into the scratch pipe. It takes nothing out of the pipe. Its errors are those of Splice.
func (s *Scratch) WholeLines(pipe, room int) (lines, seen int, err error) {
	defer s.empty()
	buffer := chunks.Get().(*[chunkBytes]byte)
	defer chunks.Put(buffer)

	if seen, err = s.tee(pipe, room); err != nil {
		return 0, 0, err
	}
	// Nearly always the last newline is in the last chunk, and what is before that need
	// not be copied.
	before := max(0, seen-chunkBytes)
	if err := s.skip(before); err != nil && s.held < seen {
		return 0, seen, err
	} else if err != nil {
		before = 0 // no descriptor for /dev/null: all of it is read
	}
	lines, err = s.lastLine(buffer, before, seen)
	if lines > 0 || before == 0 || err != nil {
		return lines, seen, err
	}
	again, err := s.tee(pipe, before)
	if err != nil {
		return 0, 0, err
	}
	lines, err = s.lastLine(buffer, 0, again)
	return lines, seen, err
}

// lastLine reads the scratch pipe, which holds the bytes of the pipe from position from to
// position to, and gives the position behind the last newline, or 0.
func (s *Scratch) lastLine(buffer *[chunkBytes]byte, from, to int) (lines int, err error) {
	for at := from; at < to; {
		n, err := s.read(buffer[:])
		if err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(buffer[:n], '\n'); i >= 0 {
			lines = at + i + 1
		}
		at += n
	}
	return lines, nil
}

// Ready tells how many bytes a pipe holds. If it holds none, the error is ErrEmpty, or io.EOF
// if the last writer is gone too. (poll(2) does not report the end of a FIFO that has had no
// writer since it was opened.)
func (s *Scratch) Ready(pipe int) (buffered int, err error) {
	defer s.empty()
	for {
		if n := Buffered(pipe); n > 0 {
			return n, nil
		}
		if _, err := s.tee(pipe, 1); err != nil {
			return 0, err
		}
		s.empty()
	}
}

// Discard takes up to count bytes out of the pipe and passes each chunk of them to see. Its
// errors are those of Splice.
func (s *Scratch) Discard(pipe, count int, see func(chunk []byte)) (taken int, err error) {
	defer s.empty()
	buffer := chunks.Get().(*[chunkBytes]byte)
	defer chunks.Put(buffer)
	for taken < count {
		n, err := s.take(pipe, count-taken)
		if err != nil {
			return taken, err
		}
		taken += n
		for s.held > 0 {
			if n, err = s.read(buffer[:]); err != nil {
				return taken, err
			}
			see(buffer[:n])
		}
	}
	return taken, nil
}
