package pump

import (
	"bytes"
	"fmt"

	"golang.org/x/sys/unix"
)

// FirstLine tells how many of the first room bytes in the pipe go up to and include the
// first newline; ended says that there is one. It takes nothing out of the pipe. Its errors
// are those of Splice.
func (s *Scratch) FirstLine(pipe, room int) (count int, ended bool, err error) {
	defer s.empty()
	buffer := chunks.Get().(*[chunkBytes]byte)
	defer chunks.Put(buffer)

	if _, err := s.tee(pipe, room); err != nil {
		return 0, false, err
	}
	for s.held > 0 {
		n, err := s.read(buffer[:])
		if err != nil {
			return 0, false, err
		}
		if i := bytes.IndexByte(buffer[:n], '\n'); i >= 0 {
			return count + i + 1, true, nil
		}
		count += n
	}
	return count, false, nil
}

// CountLines counts the newlines in count bytes of a file; ended says that the last
// byte is one.
func CountLines(file int, offset int64, count int) (lines int, ended bool, err error) {
	buffer := chunks.Get().(*[chunkBytes]byte)
	defer chunks.Put(buffer)
	for count > 0 {
		n, err := unix.Pread(file, buffer[:min(chunkBytes, count)], offset)
		if err == unix.EINTR {
			continue
		}
		if err == nil && n == 0 {
			err = unix.ENODATA
		}
		if err != nil {
			return lines, ended, fmt.Errorf("count lines: %w", err)
		}
		lines += bytes.Count(buffer[:n], []byte{'\n'})
		ended = buffer[n-1] == '\n'
		offset += int64(n)
		count -= n
	}
	return lines, ended, nil
}
