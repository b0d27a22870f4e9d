package main

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"sluice/core/pump"
)

// input is stdin as a pipe.
type input struct {
	reader int // taken by who serves it
	err    atomic.Pointer[error]
}

// stdinPipe gives stdin as the reading end of a pipe that does not block. A pipe is
// used itself, opened anew: its flags are shared with other processes. Anything else is
// copied through a pipe of our own as it comes.
func stdinPipe(stdin *os.File, capacityBytes int) (*input, error) {
	in := &input{}
	var st unix.Stat_t
	if err := unix.Fstat(int(stdin.Fd()), &st); err != nil {
		return nil, fmt.Errorf("look at stdin: %w", err)
	}
	var err error
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return nil, fmt.Errorf("stdin is a directory; expected a pipe, a file, a terminal or a socket")
	case unix.S_IFIFO:
		in.reader, err = reopen(stdin)
	default:
		in.reader, err = in.copyOf(stdin)
	}
	if err != nil {
		return nil, err
	}
	// As the user who is root now, if so: others have less room for pipes.
	pump.Enlarge(in.reader, capacityBytes)
	return in, nil
}

// reopen gives the pipe a description of its own. Where the pipe is somebody else's,
// which forbids that, the description is shared: who reads beside us then gets EAGAIN.
func reopen(stdin *os.File) (int, error) {
	fd, err := unix.Open("/proc/self/fd/0", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err == nil {
		return fd, nil
	}
	if fd, err = unix.FcntlInt(stdin.Fd(), unix.F_DUPFD_CLOEXEC, 0); err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		return -1, fmt.Errorf("read stdin: %w", err)
	}
	return fd, nil
}

// copyOf copies to the end of stdin, in the background.
func (in *input) copyOf(stdin *os.File) (int, error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return -1, fmt.Errorf("make a pipe for stdin: %w", err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		return -1, fmt.Errorf("make a pipe for stdin: %w", err)
	}
	writer := os.NewFile(uintptr(fds[1]), "stdin")
	go func() {
		defer writer.Close()
		if _, err := io.Copy(writer, stdin); err != nil {
			err = fmt.Errorf("read stdin: %w", err)
			in.err.Store(&err)
		}
	}()
	return fds[0], nil
}

// failed is why stdin was not read to its end. It is known once the pipe has ended.
func (in *input) failed() error {
	if err := in.err.Load(); err != nil {
		return *err
	}
	return nil
}
