package pump

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// scratchBytes is the wished size of a scratch pipe: as large as the largest pipe that
// an unprivileged process may have by default.
const scratchBytes = 1 << 20

// Scratch is a pipe of our own for duplicates of the head of a container's pipe: looking into
// a pipe without taking anything out needs one. A thread has one for as long as it lives. If
// each look made its own, it would cost three system calls, and a host without a free
// descriptor could not tell an empty pipe from one at its end.
//
// The zero value is ready, and makes its descriptors when it first needs them. It is for
// one thread at a time. Its owner calls Close.
//
// A container can put its pipe into packet mode (O_DIRECT, pipe(7)), and the duplicates of
// packets are packets: read(2) gives one at a time, and loses what does not fit into the
// buffer. Hence every read has room for the longest packet, a page, or for all that is in the
// scratch pipe; and what is taken out of a container's pipe goes through the scratch pipe by
// splice(2), which knows no packets.
type Scratch struct {
	made           bool
	reader, writer int
	null           int // /dev/null; made with the first skip
	held           int // bytes in the pipe
}

// Open makes the pipe where there is none.
func (s *Scratch) Open() error {
	if s.made {
		return nil
	}
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return fmt.Errorf("make a scratch pipe: %w", err)
	}
	// If the kernel refuses, tee gives less at a time.
	_, _ = unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, scratchBytes)
	*s = Scratch{made: true, reader: fds[0], writer: fds[1], null: -1}
	return nil
}

// Close gives the descriptors up; the Scratch can be used again.
func (s *Scratch) Close() {
	if !s.made {
		return
	}
	_ = unix.Close(s.reader)
	_ = unix.Close(s.writer)
	if s.null >= 0 {
		_ = unix.Close(s.null)
	}
	*s = Scratch{}
}

// empty leaves nothing in the pipe for the next use.
func (s *Scratch) empty() {
	if s.held > 0 && s.skip(s.held) != nil {
		s.Close()
	}
}

// tee duplicates up to count bytes of the head of a pipe. Its errors are those of Splice.
func (s *Scratch) tee(pipe, count int) (int, error) {
	return s.fill("look into the pipe", func() (int64, error) {
		return unix.Tee(pipe, s.writer, count, unix.SPLICE_F_NONBLOCK)
	})
}

// take moves up to count bytes of the head of a pipe. Its errors are those of Splice.
func (s *Scratch) take(pipe, count int) (int, error) {
	return s.fill("empty the pipe", func() (int64, error) {
		return unix.Splice(pipe, nil, s.writer, nil, count, unix.SPLICE_F_NONBLOCK|unix.SPLICE_F_MOVE)
	})
}

func (s *Scratch) fill(step string, move func() (int64, error)) (int, error) {
	if err := s.Open(); err != nil {
		return 0, err
	}
	for {
		n, err := move()
		switch {
		case n > 0:
			s.held += int(n)
			return int(n), nil
		case err == nil:
			return 0, io.EOF
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return 0, ErrEmpty
		default:
			return 0, fmt.Errorf("%s: %w", step, err)
		}
	}
}

// read takes some of what is in the pipe. The buffer has room for all of that, or for a
// packet.
func (s *Scratch) read(buffer []byte) (int, error) {
	for {
		n, err := unix.Read(s.reader, buffer)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			s.Close() // what it still holds is unknown
			return 0, errors.Join(errScratch, err)
		}
		s.held -= n
		return n, nil
	}
}

var errScratch = errors.New("the scratch pipe does not hold what was put into it")

// skip takes count bytes out of the pipe without looking at them.
func (s *Scratch) skip(count int) error {
	if s.null < 0 && count > 0 {
		null, err := unix.Open("/dev/null", unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open /dev/null: %w", err)
		}
		s.null = null
	}
	for count > 0 {
		n, err := unix.Splice(s.reader, nil, s.null, nil, count, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			return fmt.Errorf("empty the scratch pipe: %w", err)
		}
		s.held -= int(n)
		count -= int(n)
	}
	return nil
}
