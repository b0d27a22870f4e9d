package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"sluice/core/series"
)

const (
	// mergeBytes are collected before they are written.
	mergeBytes = 64 << 10
	// mostResolution is more than that of any time index.
	mostResolution = time.Minute
)

// merger prints the lines of several streams in the order in which they were written, as far as
// their time indexes tell. Of each it holds what its Reader has just read, and no more.
type merger struct {
	out        *bufio.Writer
	stamps     stampOptions
	resolution time.Duration
	apart      bool              // one of them has no times: one comes after the other
	notice     func(text string) // nil once it was told that there is no order
}

// merge prints both streams of a sandbox on this machine.
func (t *target) merge(p *printer) func(context.Context) error {
	return func(ctx context.Context) error {
		m := &merger{
			out: bufio.NewWriterSize(p.out, mergeBytes), stamps: p.options.stamps, resolution: time.Millisecond,
			notice: func(text string) { fmt.Fprintln(p.errOut, paint(p.errOut, red, "sluice: "+text)) },
		}
		names := []string{stdoutName, stderrName}
		results := make([]error, len(names))
		var sources []*source
		for i, live := range names {
			r, err := t.begin(ctx, p, live)
			if err != nil {
				results[i] = err
				continue
			}
			defer r.close()
			s := newSource(ctx, r, p.prefix(live), &results[i])
			defer s.stop()
			sources = append(sources, s)
			m.apart = m.apart || !r.HasTimes()
			m.resolution = min(mostResolution, max(m.resolution, r.Resolution()))
		}
		for _, s := range sources {
			s.timed = !m.apart || m.stamps.asked()
		}
		err := m.print(sources)
		return errors.Join(err, ofEither(results))
	}
}

// print prints line after line.
func (m *merger) print(sources []*source) error {
	for s := m.first(sources); s != nil; s = m.first(sources) {
		if err := m.line(s); err != nil {
			return err
		}
	}
	return m.out.Flush()
}

// first gives the stream whose next line was written first, nil where all are at their ends.
// Where that cannot be told from the one before, it is the first of them; a line whose time is not
// known comes at once.
func (m *merger) first(sources []*source) (first *source) {
	for _, s := range sources {
		if !s.peek() {
			continue
		}
		if first == nil {
			first = s
			continue
		}
		m.tell(s, first)
		if m.before(s, first) {
			first = s
		}
	}
	return first
}

func (m *merger) before(s, other *source) bool {
	switch {
	case m.apart || !other.head.Known:
		return false
	case !s.head.Known:
		return true
	}
	return m.slot(s) < m.slot(other)
}

// slot is that of the resolution.
func (m *merger) slot(s *source) int64 {
	return s.head.Latest.UnixMilli() / m.resolution.Milliseconds()
}

// tell says, once, where the order is not known.
func (m *merger) tell(s, other *source) {
	if m.notice == nil || !m.apart && s.head.Known && other.head.Known {
		return
	}
	text := "some lines have no known time: which of one stream were written before which of the other is not known there"
	if m.apart {
		text = "which line of one stream was written before which of the other is not known: all of stdout comes first"
	}
	m.notice(text)
	m.notice = nil
}

// line prints the next line of a stream. One without a newline gets one.
func (m *merger) line(s *source) error {
	_, _ = m.out.WriteString(s.prefix)
	if m.stamps.asked() {
		_, _ = m.out.Write(m.stamps.append(nil, s.head))
	}
	for whole := false; !whole; {
		if !s.fill() {
			_, _ = m.out.WriteString("\n")
			break
		}
		var part []byte
		part, whole = s.take()
		if _, err := m.out.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// source is one of the streams, in the hands of whoever prints it: its Reader rests meanwhile.
type source struct {
	reader *series.Reader
	prefix string
	timed  bool // somebody asks when its lines were written
	next   func() ([]byte, bool)
	stop   func()

	text []byte // what the Reader has just read
	at   int    // what is left of it begins here
	// head is the time of the next line, if that was looked at.
	head   series.Stamp
	looked bool
}

// errStopped ends a Reader of which nothing more is wanted.
var errStopped = errors.New("no more is wanted")

// newSource reads a stream. How that ends is in result. It is stopped before the reading is closed.
func newSource(ctx context.Context, r *reading, prefix string, result *error) *source {
	s := &source{reader: r.Reader, prefix: prefix}
	s.next, s.stop = iter.Pull(func(yield func([]byte) bool) {
		*result = r.verdict(r.Copy(ctx, writerFunc(func(text []byte) (int, error) {
			if !yield(text) {
				return 0, errStopped
			}
			return len(text), nil
		})))
	})
	return s
}

// writerFunc is an io.Writer.
type writerFunc func(text []byte) (int, error)

func (f writerFunc) Write(text []byte) (int, error) { return f(text) }

// fill has something of the stream be there; it is false at its end.
func (s *source) fill() bool {
	for s.at == len(s.text) {
		text, ok := s.next()
		if !ok {
			return false
		}
		s.text, s.at = text, 0
	}
	return true
}

// peek looks at the next line; it is false at the end of the stream.
func (s *source) peek() bool {
	if s.looked {
		return true
	}
	if !s.fill() {
		return false
	}
	if s.timed {
		s.head = s.reader.Stamp(s.text, s.at)
	}
	s.looked = true
	return true
}

// take gives a part of the line that peek has looked at; whole says that it ends with it.
func (s *source) take() (part []byte, whole bool) {
	s.looked = false
	end := bytes.IndexByte(s.text[s.at:], '\n') + 1
	if whole = end > 0; !whole {
		end = len(s.text) - s.at
	}
	part = s.text[s.at : s.at+end]
	s.at += end
	return part, whole
}
