package main

import (
	"bytes"
	"io"
	"sync"
)

// maxLineBytes of a line are held back until it is whole; a longer one is written as it comes.
const maxLineBytes = 1 << 20

// lines is an output that several share by whole lines.
type lines struct {
	mu  sync.Mutex
	out io.Writer
	// unfinished is who has written the beginning of a line that is too long to be held back.
	unfinished *prefixed
}

// of gives one of them a writer that puts a prefix before every line.
func (l *lines) of(prefix string) *prefixed {
	return &prefixed{lines: l, prefix: []byte(prefix)}
}

// prefixed is one share of lines. It is used by one goroutine.
type prefixed struct {
	lines  *lines
	prefix []byte
	begun  []byte // the beginning of a line, or more of the unfinished one
	ready  bytes.Buffer
}

func (p *prefixed) Write(text []byte) (int, error) {
	p.lines.mu.Lock()
	defer p.lines.mu.Unlock()
	for rest := text; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n') + 1
		if end == 0 {
			p.begun = append(p.begun, rest...)
			break
		}
		p.begun = append(p.begun, rest[:end]...)
		p.putLocked()
		rest = rest[end:]
	}
	if len(p.begun) >= maxLineBytes || len(p.begun) > 0 && p.lines.unfinished == p {
		p.putLocked()
	}
	return len(text), p.passLocked()
}

// putLocked makes what has begun ready, on a line of its own unless it goes on with the one that
// stands there. Whoever else has an unfinished line there takes another one.
func (p *prefixed) putLocked() {
	if other := p.lines.unfinished; other != nil && other != p {
		p.ready.WriteByte('\n')
	}
	if p.lines.unfinished != p {
		p.ready.Write(p.prefix)
	}
	p.ready.Write(p.begun)
	if p.lines.unfinished = p; bytes.HasSuffix(p.begun, []byte("\n")) {
		p.lines.unfinished = nil
	}
	p.begun = p.begun[:0]
}

func (p *prefixed) passLocked() error {
	_, err := p.ready.WriteTo(p.lines.out)
	return err
}

// flush writes what has no newline at its end.
func (p *prefixed) flush() error {
	p.lines.mu.Lock()
	defer p.lines.mu.Unlock()
	if len(p.begun) > 0 || p.lines.unfinished == p {
		p.begun = append(p.begun, '\n')
		p.putLocked()
	}
	return p.passLocked()
}
