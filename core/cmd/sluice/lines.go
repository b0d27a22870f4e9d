package main

import (
	"bytes"
	"io"
	"sync"
)

// maxLineBytes of a line are held back until it is whole; a longer one is shown in
// several.
const maxLineBytes = 1 << 20

// lines is an output that several share by whole lines.
type lines struct {
	mu  sync.Mutex
	out io.Writer
}

// of gives one of them a writer that puts a prefix before every line.
func (l *lines) of(prefix string) *prefixed {
	return &prefixed{lines: l, prefix: []byte(prefix)}
}

// prefixed is one share of lines. It is used by one goroutine.
type prefixed struct {
	lines  *lines
	prefix []byte
	begun  []byte // the beginning of a line
	ready  bytes.Buffer
}

func (p *prefixed) Write(text []byte) (int, error) {
	for rest := text; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			if p.begun = append(p.begun, rest...); len(p.begun) >= maxLineBytes {
				p.finish(nil)
			}
			break
		}
		p.finish(rest[:end])
		rest = rest[end+1:]
	}
	return len(text), p.pass()
}

// finish makes a line of what has begun and the rest of it.
func (p *prefixed) finish(rest []byte) {
	for _, part := range [][]byte{p.prefix, p.begun, rest, []byte("\n")} {
		p.ready.Write(part)
	}
	p.begun = p.begun[:0]
}

func (p *prefixed) pass() error {
	p.lines.mu.Lock()
	defer p.lines.mu.Unlock()
	_, err := p.ready.WriteTo(p.lines.out)
	return err
}

// flush writes what has no newline at its end.
func (p *prefixed) flush() error {
	if len(p.begun) == 0 {
		return nil
	}
	p.finish(nil)
	return p.pass()
}
