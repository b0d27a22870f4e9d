package pump

import (
	"errors"
	"io"
	"sync"

	"golang.org/x/sys/unix"
)

// chunkBytes is how much of a pipe is read into user memory at a time.
const chunkBytes = 64 << 10

var chunks = sync.Pool{New: func() any { return new([chunkBytes]byte) }}

// copyThrough is Splice for file systems that cannot (EINVAL from splice(2)). It
// reads a duplicate of the head of the pipe, writes that, and only then takes the
// bytes out of the pipe: a failing write loses nothing, and a kill between the two
// steps leaves the chunk twice rather than not at all.
func (s *Scratch) copyThrough(pipe, file int, offset int64, count int) (moved int, err error) {
	defer s.empty()
	buffer := chunks.Get().(*[chunkBytes]byte)
	defer chunks.Put(buffer)

	for moved < count {
		seen, err := s.tee(pipe, min(chunkBytes, count-moved))
		if err != nil {
			return moved, err
		}
		for at := 0; at < seen; {
			n, err := s.read(buffer[at:seen])
			if err != nil {
				return moved, err
			}
			at += n
		}
		written, err := WriteAt(file, buffer[:seen], offset+int64(moved))
		taken, takeErr := s.Discard(pipe, written, func([]byte) {})
		moved += taken
		if err != nil {
			return moved, err
		}
		if takeErr != nil && !errors.Is(takeErr, ErrEmpty) && !errors.Is(takeErr, io.EOF) {
			return moved, takeErr
		}
		if seen < chunkBytes {
			return moved, nil
		}
	}
	return moved, nil
}

// WriteAt writes all of data to a file at an offset, or as much as it can before an error.
func WriteAt(file int, data []byte, offset int64) (written int, err error) {
	for written < len(data) {
		n, err := unix.Pwrite(file, data[written:], offset+int64(written))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return written, err
		}
		written += n
	}
	return written, nil
}
