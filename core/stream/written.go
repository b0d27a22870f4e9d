package stream

import (
	"bytes"
	"io"

	"golang.org/x/sys/unix"
)

// writtenWithin is how many bytes of the live file between two offsets the logger can have
// written, where nobody remembers: no more than it writes to one file, and no hole. It never
// leaves one, and a task that makes its file long with holes must not forge the figures of
// the node with them.
func (s *Stream) writtenWithin(from, to int64) (written int64, err error) {
	to = min(to, max(s.limit, s.Settings.FirstBytes))
	for looks := 0; looks < maxHoles && from < to; looks++ {
		hole := s.seek(from, unix.SEEK_HOLE, to)
		if hole == to {
			return written + to - from, nil
		}
		data, err := s.trimZeros(from, hole)
		if err != nil {
			return 0, err
		}
		written += data - from
		from = s.seek(hole, unix.SEEK_DATA, to)
	}
	return written, nil
}

// seek gives where the next hole or data begins, at the latest at to: also where there is
// none, or the file system does not tell.
func (s *Stream) seek(from int64, whence int, to int64) int64 {
	at, err := unix.Seek(s.live.fd, from, whence)
	if err != nil {
		return to
	}
	return min(at, to)
}

// mostBlockBytes is the largest block of which the end is looked at.
const mostBlockBytes = 64 << 10

// trimZeros gives the end of the data before a hole: the block in which it ends is zero from
// there on.
func (s *Stream) trimZeros(from, hole int64) (end int64, err error) {
	last := make([]byte, max(0, min(hole-from, mostBlockBytes)))
	n, err := s.live.file.ReadAt(last, hole-int64(len(last)))
	if err != nil && err != io.EOF {
		return 0, err
	}
	zeros := n - len(bytes.TrimRight(last[:n], "\x00"))
	return hole - int64(zeros), nil
}
