package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// What a terminal is told (xterm's control sequences, which all that are in use know).
const (
	enterScreen = "\x1b[?1049h\x1b[?25l" // another screen, no cursor
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	home        = "\x1b[H"
	clearRight  = "\x1b[K"
	clearBelow  = "\x1b[J"
)

// watch draws the status until somebody ends it, and leaves the terminal as it was.
func watch(ctx context.Context, out *os.File, o *statusOptions, first *status) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, unix.SIGTERM, unix.SIGHUP)
	defer stop()
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, unix.SIGWINCH)
	defer signal.Stop(resized)
	keys, restore, err := keyboard(os.Stdin)
	if err != nil {
		return err
	}
	defer restore()
	if _, err := out.WriteString(enterScreen); err != nil {
		return closedOutput(err)
	}
	defer out.WriteString(leaveScreen) //nolint:errcheck // nothing more can be done for it

	ticker := time.NewTicker(time.Duration(o.interval))
	defer ticker.Stop()
	now := first
	for {
		if err := now.draw(out); err != nil {
			return closedOutput(err)
		}
		select {
		case <-ctx.Done():
			return nil
		case key := <-keys:
			if quits(key) {
				return nil
			}
		case <-resized:
		case <-ticker.C:
			next, err := look(ctx, o.stateDir)
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return err
			}
			next.since(now)
			now = next
		}
	}
}

// quits tells q, Ctrl-C, Ctrl-D and a terminal that has gone.
func quits(key byte) bool { return bytes.IndexByte([]byte{'q', 'Q', 3, 4}, key) >= 0 }

// keyboard gives the keys as they are pressed, where stdin is a terminal; restore gives
// it back as it was.
func keyboard(stdin *os.File) (keys <-chan byte, restore func(), err error) {
	if !isTerminal(stdin) {
		return nil, func() {}, nil
	}
	before, err := term.MakeRaw(int(stdin.Fd()))
	if err != nil {
		return nil, nil, fmt.Errorf("read keys from the terminal: %w", err)
	}
	pressed := make(chan byte)
	go func() { // ends with the process: nothing makes it stop reading
		key := make([]byte, 1)
		for {
			if n, err := stdin.Read(key); err != nil || n == 0 {
				key[0] = 4
			}
			pressed <- key[0]
		}
	}()
	return pressed, func() { _ = term.Restore(int(stdin.Fd()), before) }, nil
}

// draw draws the table, the fastest first, as much of it as there is room for.
func (s *status) draw(out *os.File) error {
	width, height := terminalSize(out)
	slices.SortStableFunc(s.Streams, func(a, b streamStatus) int {
		return compareRates(b.RateBytes, a.RateBytes)
	})
	lines := append([]string{clip(s.title(), width)}, s.table(out, width, s.at)...)
	if height > 2 && len(lines) > height {
		more := len(lines) - height + 1
		lines = append(lines[:height-1], clip(fmt.Sprintf("and %d more", more), width))
	}
	var frame bytes.Buffer
	frame.WriteString(home)
	for i, line := range lines {
		if i > 0 {
			frame.WriteString("\r\n")
		}
		frame.WriteString(line + clearRight)
	}
	frame.WriteString(clearBelow)
	_, err := out.Write(frame.Bytes())
	return err
}

func compareRates(a, b *int64) int {
	var x, y int64
	if a != nil {
		x = *a
	}
	if b != nil {
		y = *b
	}
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}
