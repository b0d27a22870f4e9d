// Package pump moves bytes from a pipe to a file without ever holding the only
// copy of one: a byte is in the pipe or in the file, so killing the process at any
// instruction loses none.
//
// It moves what it is told to, says what is there, finds where a line ends, and computes how
// long to pause between two looks. It knows no limits, file names or policies.
package pump

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

// ErrEmpty says that a pipe holds nothing now but has a writer.
var ErrEmpty = errors.New("the pipe is empty")

// Splice moves up to count bytes from the head of the pipe to the file at an offset and tells
// how many. It moves fewer if the pipe holds less, or if the file refuses the rest; then the
// next call gives the error. Errors: ErrEmpty; io.EOF if the pipe is empty and the last writer
// gone; else the errno of writing. Bytes that could not be written stay in the pipe. It blocks
// for as long as the file system does, never for the pipe. While it writes, the kernel holds
// the pipe's lock and the pipe's writers wait (iter_file_splice_write in fs/splice.c).
func (s *Scratch) Splice(pipe, file int, offset int64, count int) (moved int, err error) {
	for {
		at := offset
		n, err := unix.Splice(pipe, nil, file, &at, count, unix.SPLICE_F_NONBLOCK|unix.SPLICE_F_MOVE)
		switch {
		case n > 0:
			return int(n), nil
		case err == nil:
			return 0, io.EOF
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return 0, ErrEmpty
		case err == unix.EINVAL:
			return s.copyThrough(pipe, file, offset, count)
		default:
			return 0, err
		}
	}
}

// Buffered is the number of bytes in the pipe.
func Buffered(pipe int) int {
	n, err := unix.IoctlGetInt(pipe, unix.TIOCINQ) // FIONREAD
	if err != nil {
		return 0
	}
	return n
}
