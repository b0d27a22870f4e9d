package main

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// isTerminal says that somebody looks at what is written there.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// colour is a text's colour on a terminal.
type colour string

const (
	red   colour = "\x1b[31m"
	reset colour = "\x1b[0m"
)

// paint colours a text that goes to w, if that is a terminal and its user has not said
// otherwise (no-color.org).
func paint(w io.Writer, c colour, text string) string {
	if !isTerminal(w) || os.Getenv("NO_COLOR") != "" || dumb() {
		return text
	}
	return string(c) + text + string(reset)
}

// dumb says that the terminal obeys no sequences.
func dumb() bool { return os.Getenv("TERM") == "dumb" }

// awaitClosed returns when nobody reads any more what is written to f: only a write would
// tell otherwise, and a quiet log has none. For a file it never returns.
func awaitClosed(f *os.File) {
	for {
		ask := []unix.PollFd{{Fd: int32(f.Fd())}}
		_, err := unix.Poll(ask, -1)
		if err == nil && ask[0].Revents&(unix.POLLERR|unix.POLLHUP|unix.POLLNVAL) != 0 {
			return
		}
		if err != nil && err != unix.EINTR {
			select {} // not to be had: the next write tells
		}
	}
}
