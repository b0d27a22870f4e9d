package pump

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sys/unix"
)

// scratchBytes is the wished size of a scratch pipe: as large as the largest pipe
// that an unprivileged process may have by default.
const scratchBytes = 1 << 20

// scratch is a pipe of our own that takes duplicates of the head of another.
// It is empty whenever it is not borrowed.
type scratch struct{ reader, writer int }

var (
	scratchMu   sync.Mutex
	scratchFree []scratch
)

// borrowScratch gives a scratch pipe, from the free ones or a new one; there are
// never more than threads that peek at the same time.
func borrowScratch() (scratch, error) {
	scratchMu.Lock()
	defer scratchMu.Unlock()
	if n := len(scratchFree); n > 0 {
		s := scratchFree[n-1]
		scratchFree = scratchFree[:n-1]
		return s, nil
	}
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return scratch{}, fmt.Errorf("make a scratch pipe: %w", err)
	}
	// Where the kernel refuses, tee gives less at a time.
	_, _ = unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, scratchBytes)
	return scratch{fds[0], fds[1]}, nil
}

// release empties the scratch pipe and gives it back.
func (s scratch) release() {
	for {
		if _, err := Discard(s.reader, scratchBytes, func([]byte) {}); err != nil {
			break
		}
	}
	scratchMu.Lock()
	defer scratchMu.Unlock()
	scratchFree = append(scratchFree, s)
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
	null, err := devNull()
	if err != nil {
		return err
	}
	for count > 0 {
		n, err := unix.Splice(s.reader, nil, null, nil, count, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return fmt.Errorf("empty the scratch pipe: %w", err)
		}
		count -= int(n)
	}
	return nil
}

// devNull is where bytes go that nobody needs to see; open for the process's life.
var devNull = sync.OnceValues(func() (int, error) {
	fd, err := unix.Open("/dev/null", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open /dev/null: %w", err)
	}
	return fd, nil
})

// WholeLines tells how many of the first room bytes in the pipe are whole lines:
// the length up to and with the last newline among them, 0 where there is none.
// seen is how many bytes it could look at (the pipe may hold less than room, and
// its head may be in more pieces than fit into the scratch pipe). It takes nothing
// out of the pipe. Errors as Splice.
func WholeLines(pipe, room int) (lines, seen int, err error) {
	s, err := borrowScratch()
	if err != nil {
		return 0, 0, err
	}
	defer s.release()
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
