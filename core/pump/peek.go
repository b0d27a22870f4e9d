package pump

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

const (
	// scratchBytes is the wished size of a scratch pipe: as large as the largest
	// pipe that an unprivileged process may have by default.
	scratchBytes = 1 << 20
	// newPipeBytes is what a pipe has at first (pipe(7)).
	newPipeBytes = 64 << 10
)

// scratch is a pipe of our own that takes duplicates of the head of another. It is
// made for one look: keeping it for the next, one rotation later, would save ten
// microseconds and leave the host with descriptors it cannot account for.
type scratch struct{ reader, writer int }

// newScratch makes a scratch pipe for count bytes, or as many as the kernel allows.
func newScratch(count int) (scratch, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return scratch{}, fmt.Errorf("make a scratch pipe: %w", err)
	}
	if count > newPipeBytes {
		// Where the kernel refuses, tee gives less at a time.
		_, _ = unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, scratchBytes)
	}
	return scratch{fds[0], fds[1]}, nil
}

func (s scratch) close() {
	_ = unix.Close(s.reader)
	_ = unix.Close(s.writer)
}

// tee duplicates up to count bytes of the head of the pipe into the scratch pipe.
// Errors as Splice.
func (s scratch) tee(pipe, count int) (int, error) {
	for {
		n, err := unix.Tee(pipe, s.writer, count, unix.SPLICE_F_NONBLOCK)
		switch {
		case n > 0:
			return int(n), nil
		case err == nil:
			return 0, io.EOF
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return 0, ErrEmpty
		default:
			return 0, fmt.Errorf("look into the pipe: %w", err)
		}
	}
}

// read takes exactly len(buffer) bytes out of the scratch pipe.
func (s scratch) read(buffer []byte) error {
	for len(buffer) > 0 {
		n, err := unix.Read(s.reader, buffer)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("read the scratch pipe: %w", err)
		}
		buffer = buffer[n:]
	}
	return nil
}

// skip takes count bytes out of the scratch pipe without looking at them.
func (s scratch) skip(count int) error {
	if count == 0 {
		return nil
	}
	null, err := unix.Open("/dev/null", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open /dev/null: %w", err)
	}
	defer unix.Close(null)
	for count > 0 {
		n, err := unix.Splice(s.reader, nil, null, nil, count, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			return fmt.Errorf("empty the scratch pipe: %w", err)
		}
		count -= int(n)
	}
	return nil
}

// WholeLines tells how many of the first room bytes in the pipe are whole lines:
// the length up to and with the last newline among them, 0 where there is none.
// seen is how many bytes it could look at (the pipe may hold less than room, and
// its head may be in more pieces than fit into the scratch pipe). It takes nothing
// out of the pipe. Errors as Splice.
func WholeLines(pipe, room int) (lines, seen int, err error) {
	s, err := newScratch(room)
	if err != nil {
		return 0, 0, err
	}
	defer s.close()
	buffer := chunks.Get().(*[chunkBytes]byte)
	defer chunks.Put(buffer)

	if seen, err = s.tee(pipe, room); err != nil {
		return 0, 0, err
	}
	// Nearly always the last newline is in the last chunk; what is before it need
	// not be copied.
	before := max(0, seen-chunkBytes)
	if err := s.skip(before); err != nil {
		return 0, seen, err
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

// lastLine reads the scratch pipe, whose bytes are those from position from to
// position to of the pipe, and gives the position behind the last newline, or 0.
func (s scratch) lastLine(buffer *[chunkBytes]byte, from, to int) (lines int, err error) {
	for at := from; at < to; {
		chunk := buffer[:min(chunkBytes, to-at)]
		if err := s.read(chunk); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(chunk, '\n'); i >= 0 {
			lines = at + i + 1
		}
		at += len(chunk)
	}
	return lines, nil
}
