package main

import (
	"bytes"
	"io"
	"strconv"

	"sluice/core/series"
)

// stampOptions are the flags that say whether and how times of lines are shown.
type stampOptions struct{ timestamps, utc, epoch bool }

// asked says that they are shown.
func (o stampOptions) asked() bool { return o.timestamps || o.utc || o.epoch }

// stampLayout is RFC 3339 with milliseconds.
const stampLayout = "2006-01-02T15:04:05.000Z07:00"

// latestSign stands before a time that is the latest that it can have been.
const latestSign = '<'

// append writes a stamp, and a space.
func (o stampOptions) append(to []byte, at series.Stamp) []byte {
	if !at.Exact() {
		to = append(to, latestSign)
	}
	switch {
	case o.epoch:
		const second, digits = 1000, 3
		to = strconv.AppendFloat(to, float64(at.Latest.UnixMilli())/second, 'f', digits, 64)
	case o.utc:
		to = at.Latest.UTC().AppendFormat(to, stampLayout)
	default:
		to = at.Latest.Local().AppendFormat(to, stampLayout)
	}
	return append(to, ' ')
}

// stamper puts the time of its first byte before every line. It is what the Reader writes to, on
// its goroutine.
type stamper struct {
	stampOptions
	reader *series.Reader
	out    io.Writer

	within bool         // a line has begun and has not ended
	last   series.Stamp // what prefix was made of
	prefix []byte
	ready  []byte
}

// maxReadyBytes are collected before they are written.
const maxReadyBytes = 1 << 20

func (s *stamper) Write(text []byte) (int, error) {
	s.ready = s.ready[:0]
	for at := 0; at < len(text); {
		if !s.within {
			s.ready = append(s.ready, s.before(s.reader.Stamp(text, at))...)
		}
		end := bytes.IndexByte(text[at:], '\n') + 1
		if s.within = end == 0; s.within {
			end = len(text) - at
		}
		s.ready = append(s.ready, text[at:at+end]...)
		at += end
		if len(s.ready) >= maxReadyBytes {
			if err := s.pass(); err != nil {
				return at, err
			}
		}
	}
	return len(text), s.pass()
}

// before is what stands before a line.
func (s *stamper) before(at series.Stamp) []byte {
	if at != s.last || s.prefix == nil {
		s.last, s.prefix = at, s.append(s.prefix[:0], at)
	}
	return s.prefix
}

func (s *stamper) pass() error {
	_, err := s.out.Write(s.ready)
	s.ready = s.ready[:0]
	return err
}
