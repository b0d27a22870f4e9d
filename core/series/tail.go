package series

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Last starts reading so that `lines` lines follow up to the end: fewer where there are
// fewer. A last line without a newline counts as one. Plain files are read from their
// end, compressed ones as a whole.
func (r *Reader) Last(lines int64) error {
	if lines <= 0 {
		return r.startAt(len(r.links)-1, r.endBytes)
	}
	last := true // the end of the whole series has not been looked at yet
	for i := len(r.links) - 1; i >= 0; i-- {
		l := r.links[i]
		if err := r.hold(l); err != nil {
			return err
		}
		if l.gone {
			continue
		}
		end := l.contentEnd()
		if i == len(r.links)-1 {
			end = r.endBytes
		}
		offset, left, err := lastLines(l, end, lines, last)
		if errors.Is(err, ErrDamaged) || errors.Is(err, ErrMethod) {
			return r.startBehind(i, err)
		}
		if err != nil {
			return fmt.Errorf("look for the last lines in %q: %w", l.name, err)
		}
		last = last && end == 0
		if left == 0 {
			return r.startAt(i, offset)
		}
		lines = left
		if i < len(r.links)-1 && r.held > maxHeld {
			r.letGo(l)
		}
	}
	return nil
}

// startBehind makes the Reader start behind a file that cannot be read. If it is the youngest it
// stays, as the one that others come after, and reads as empty.
func (r *Reader) startBehind(at int, err error) error {
	l := r.links[at]
	r.complain("%s cannot be read: %v; what follows it is shown", l.name, err)
	if at < len(r.links)-1 {
		return r.startAt(at+1, 0)
	}
	r.content, r.current = empty, l
	return r.startAt(at, 0)
}

// hold holds a link that is looked at out of turn.
func (r *Reader) hold(l *link) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.take(l, r.find)
}

// startAt makes the Reader start in that link, not before where it starts already.
func (r *Reader) startAt(at int, offset int64) error {
	if at == 0 {
		offset = max(offset, r.offset)
	}
	for _, l := range r.links[:at] {
		r.letGo(l)
	}
	r.links, r.offset = r.links[at:], offset
	r.done.File, r.done.Files = 0, len(r.links)
	return nil
}

// lastLines looks for the offset from which on `lines` newlines follow in a file, one of
// which may be its very last byte if the file is the last. left is how many are still
// missing; 0 says that offset is it.
func lastLines(l *link, end, lines int64, last bool) (offset, left int64, err error) {
	if l.compressed {
		return lastLinesForward(l, end, lines, last)
	}
	return LastLines(l.f, end, lines, last)
}

// LastLines looks for the offset in a plain file, whose end is at `end`, from which on
// `lines` lines follow to the end of the log. last says that no byte of the log is behind
// this file: then its own last newline begins no line. left is how many lines are still
// missing when the file is at its beginning.
func LastLines(f io.ReaderAt, end, lines int64, last bool) (offset, left int64, err error) {
	buffer := make([]byte, min(copyBytes, max(1, end)))
	for at := end; at > 0; {
		begin := max(0, at-int64(len(buffer)))
		chunk := buffer[:at-begin]
		if _, err := f.ReadAt(chunk, begin); err != nil {
			return 0, 0, err
		}
		for i := len(chunk); i > 0; {
			i = bytes.LastIndexByte(chunk[:i], '\n')
			if i < 0 {
				break
			}
			offset := begin + int64(i) + 1
			if last && offset == end {
				continue // it ends the last line, and begins none
			}
			if lines--; lines == 0 {
				return offset, 0, nil
			}
		}
		at = begin
	}
	return 0, lines, nil
}

// lastLinesForward reads twice: to count, and to find.
func lastLinesForward(l *link, end, lines int64, last bool) (offset, left int64, err error) {
	total, endsLine, _, err := countNewlines(l, end, -1)
	if err != nil {
		return 0, 0, err
	}
	begins := total
	if last && endsLine {
		begins--
	}
	if begins < lines {
		return 0, lines - begins, nil
	}
	_, _, offset, err = countNewlines(l, end, begins-lines+1)
	return offset, 0, err
}

// countNewlines counts up to an offset, or to the newline number `stop` (-1 for all), and gives
// the offset behind it; endsLine says that what was read ends with one.
func countNewlines(l *link, end, stop int64) (count int64, endsLine bool, offset int64, err error) {
	content, err := l.reader(0)
	if err != nil {
		return 0, false, 0, err
	}
	defer content.Close()
	from := io.LimitReader(content, end)
	buffer := make([]byte, copyBytes)
	for {
		n, err := from.Read(buffer)
		chunk := buffer[:n]
		for i := 0; ; {
			next := bytes.IndexByte(chunk[i:], '\n')
			if next < 0 {
				break
			}
			i += next + 1
			if count++; count == stop {
				return count, false, offset + int64(i), nil
			}
		}
		if n > 0 {
			endsLine = chunk[n-1] == '\n'
			offset += int64(n)
		}
		if err == io.EOF {
			return count, endsLine, offset, nil
		}
		if err != nil {
			return count, endsLine, offset, err
		}
	}
}
