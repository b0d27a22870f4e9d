package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"sluice/core/series"
)

// Last starts reading so that `lines` lines follow up to the end that the log has now, as
// series.Reader does. Copy stops at that end.
func (r *Reader) Last(ctx context.Context, lines int64) error {
	last := r.live
	if r.end != nil {
		last = r.end.file
	}
	if lines <= 0 && r.end != nil {
		return r.startAt(ctx, r.end.file, r.end.offset)
	}
	behind := true // nothing of the log is behind the file that is looked at
	for number := last; ; number-- {
		offset, left, err := r.lastLines(ctx, number, lines, behind)
		switch {
		case errors.Is(err, errMoved):
			number++ // it has another form by now
			continue
		case errors.Is(err, errGone):
			return r.startAt(ctx, number+1, 0)
		case errors.Is(err, series.ErrDamaged), errors.Is(err, series.ErrMethod):
			r.complain("file %d before the live one cannot be read: %v; what follows it is shown", r.live-number, err)
			return r.startAt(ctx, number+1, 0)
		case err != nil:
			return fmt.Errorf("look for the last lines of %q: %w", r.s.live, err)
		case left == 0:
			return r.startAt(ctx, number, offset)
		}
		behind = behind && left == lines && offset == 0
		lines = left
		if number <= r.oldest() {
			return r.startAt(ctx, number, 0)
		}
	}
}

// lastLines is series.LastLines for a file, up to the end that was seen of it.
func (r *Reader) lastLines(ctx context.Context, number, lines int64, behind bool) (offset, left int64, err error) {
	src, err := r.open(ctx, number, 0)
	if err != nil {
		return 0, 0, err
	}
	if src.compressed {
		return src.lastLinesForward(lines, behind)
	}
	end := src.size
	if r.end != nil && r.end.file == number {
		end = min(end, r.end.offset)
	}
	return series.LastLines(src, end, lines, behind)
}

// lastLinesForward reads a compressed file twice: to count its lines, and to find the place.
func (s *source) lastLinesForward(lines int64, behind bool) (offset, left int64, err error) {
	total, last, _, err := s.newlines(-1)
	if err != nil {
		return 0, 0, err
	}
	if behind && last == '\n' {
		total-- // it ends the last line, and begins none
	}
	if total < lines {
		return 0, lines - total, nil
	}
	_, _, offset, err = s.newlines(total - lines + 1)
	return offset, 0, err
}

// newlines counts up to the newline number `stop` (-1 for all) and gives the offset behind it.
func (s *source) newlines(stop int64) (count int64, last byte, offset int64, err error) {
	again := &source{ctx: s.ctx, r: s.r, number: s.number, compressed: s.compressed}
	content, _, err := again.content(0)
	if err != nil {
		return 0, 0, 0, err
	}
	defer content.Close()
	buffer := make([]byte, readBytes)
	for {
		n, err := content.Read(buffer)
		for chunk := buffer[:n]; len(chunk) > 0; {
			next := bytes.IndexByte(chunk, '\n') + 1
			if next == 0 {
				next = len(chunk)
			} else {
				count++
			}
			last = chunk[next-1]
			offset += int64(next)
			if last == '\n' && count == stop {
				return count, last, offset, nil
			}
			chunk = chunk[next:]
		}
		if errors.Is(err, io.EOF) {
			return count, last, offset, nil
		}
		if err != nil {
			return 0, 0, 0, err
		}
	}
}

// startAt makes a position the one to start at, and reads what it is known by.
func (r *Reader) startAt(ctx context.Context, number, offset int64) error {
	r.begin(number)
	r.begun = true
	src, err := r.open(ctx, number, 0)
	if errors.Is(err, errGone) {
		return nil // said when it is read
	}
	if err != nil {
		return err
	}
	if r.at.offset = offset; src.compressed || offset == 0 {
		return nil
	}
	begin := max(0, offset-recentBytes)
	recent := make([]byte, offset-begin)
	n, err := src.ReadAt(recent, begin)
	if errors.Is(err, errMoved) || errors.Is(err, errGone) {
		return nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	r.read = &evidence{file: number, recent: recent[:n], offset: offset}
	if begin == 0 {
		r.read.head = recent[:n]
	}
	return nil
}

// Since leaves out the files that were written to last before t, by the agent's clock
// and in whole seconds.
func (r *Reader) Since(ctx context.Context, t time.Time) error {
	for number := r.oldest(); number <= r.live; number++ {
		f, _ := r.now.numbered(number, r.live)
		if f.file != nil && f.seconds >= t.Unix() {
			if number > r.at.file {
				return r.startAt(ctx, number, 0)
			}
			return nil
		}
	}
	return r.startAt(ctx, r.end.file, r.end.offset)
}

// Until ends the reading with the first file that was written to at t or later: the files
// behind it were begun after t. Lines of that file may be later, too.
func (r *Reader) Until(t time.Time) {
	for number := r.oldest(); number < r.live; number++ {
		if f, _ := r.now.numbered(number, r.live); f.file != nil && f.seconds >= t.Unix() {
			r.end = &position{number + 1, 0}
			return
		}
	}
}
