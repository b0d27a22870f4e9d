package series

import (
	"bytes"
	"errors"
	"io"
	"math"
	"time"
)

// Since makes the Reader start with the first line that was written at t or later. Where the
// time index does not tell of a file, that is left out if it was written to last before t, and is
// else there from its beginning.
func (r *Reader) Since(t time.Time) error {
	at, offset, err := r.since(t)
	if err != nil {
		return err
	}
	return r.startAt(at, offset)
}

// since gives the link and the offset at which that line begins.
func (r *Reader) since(t time.Time) (at int, offset int64, err error) {
	from := r.timeline().since(t)
	parts := r.parts()
	for i, e := range parts {
		if e.is == told && e.end <= from {
			at = i + 1
		}
	}
	for at < len(parts) && r.written(at, parts[at], from, t) {
		r.noteFile(r.links[at])
		at++
	}
	if at == len(parts) {
		return at - 1, r.endBytes, nil
	}
	r.noteFile(r.links[at])
	if e := parts[at]; e.is == told {
		at, offset, err = r.lineFrom(at, e.offset(from))
	}
	return at, offset, err
}

// written says that what is behind a position in a file was written before t, by the time of the
// file: for what the index does not tell of.
func (r *Reader) written(at int, e extent, behind int64, t time.Time) bool {
	written := r.links[at].modTime
	if e.is == told {
		return behind >= r.times.end() && written.Add(clockTick).Before(t)
	}
	return written.Before(t)
}

// since is the position of the first byte that may have been written at t or later. All before it
// was written before that.
func (t *timeline) since(when time.Time) int64 {
	if t.index == nil {
		return math.MinInt64
	}
	from, ok, err := t.index.Since(when)
	if err != nil {
		t.drop(err)
		return math.MinInt64
	}
	switch {
	case ok && from == t.begin() && !t.begun().Before(when):
		return math.MinInt64
	case !ok:
		return t.end()
	}
	return from
}

// after is the position of the first byte that was written after t for certain, or the highest
// there is.
func (t *timeline) after(when time.Time) int64 {
	if t.index == nil {
		return math.MaxInt64
	}
	to, ok, err := t.index.After(when)
	if err != nil {
		t.drop(err)
	}
	if err != nil || !ok {
		return math.MaxInt64
	}
	return to
}

// parts are those of all links, of the newest one without an end. What was all written before
// the index was begun has no part.
func (r *Reader) parts() []extent {
	parts := make([]extent, len(r.links))
	t := r.timeline()
	for i, l := range r.links {
		if t.index == nil {
			continue
		}
		e := t.extent(l)
		if e.is == told && e.number == t.index.Newest() {
			e.end = math.MaxInt64
		}
		if e.is == told && e.end <= t.begin() {
			e.is = untold
		}
		parts[i] = e
	}
	return parts
}

// Until makes the Reader end before the first line that was written after t for certain. Of files
// of which the time index does not tell it leaves out those that were begun after t: they are
// behind the first one that was written to at t or later. It is for somebody who does not follow.
func (r *Reader) Until(t time.Time) error {
	to := r.timeline().after(t)
	parts := r.parts()
	for i, e := range parts {
		if e.is == told && to < e.end {
			at, offset, err := r.lineFrom(i, e.offset(to))
			if err == nil {
				r.endAt(at, offset)
			}
			return err
		}
		if i == len(parts)-1 {
			break
		}
		if parts[i+1].is != told && !r.links[i].modTime.Before(t) {
			r.noteFile(r.links[i+1])
			r.endAt(i, r.links[i].contentEnd())
			return nil
		}
	}
	return nil
}

// endAt makes the Reader end in that link.
func (r *Reader) endAt(at int, offset int64) {
	if at == len(r.links)-1 {
		offset = min(offset, r.endBytes)
	}
	for _, l := range r.links[at+1:] {
		r.letGo(l)
	}
	r.links = r.links[:at+1]
	r.endBytes, r.done.Files = offset, len(r.links)
}

// lineFrom gives where the first line begins at an offset of a link or behind it.
func (r *Reader) lineFrom(at int, offset int64) (int, int64, error) {
	if offset == 0 && at == 0 {
		return 0, 0, nil
	}
	if offset == 0 {
		whole, err := r.endsLine(at - 1)
		if whole || err != nil {
			return at, 0, err
		}
	}
	offset = max(0, offset-1)
	for i := at; i < len(r.links); i, offset = i+1, 0 {
		behind, err := r.behindNewline(i, offset)
		if unreadable(err) {
			return at, 0, nil // it is said when it is its turn
		}
		if err != nil || behind >= 0 {
			return i, behind, err
		}
	}
	return len(r.links) - 1, r.endBytes, nil
}

func unreadable(err error) bool { return errors.Is(err, ErrDamaged) || errors.Is(err, ErrMethod) }

// behindNewline gives the offset behind the first newline from an offset on, -1 where there is none.
func (r *Reader) behindNewline(at int, offset int64) (int64, error) {
	content, err := r.contentOf(at, offset)
	if content == nil || err != nil {
		return -1, err
	}
	defer content.Close()
	buffer := make([]byte, copyBytes)
	for {
		n, err := content.Read(buffer)
		if newline := bytes.IndexByte(buffer[:n], '\n'); newline >= 0 {
			return offset + int64(newline) + 1, nil
		}
		offset += int64(n)
		if errors.Is(err, io.EOF) {
			return -1, nil
		}
		if err != nil {
			return -1, err
		}
	}
}

// endsLine says that the content of a link ends with a newline, or that nobody can tell.
func (r *Reader) endsLine(at int) (bool, error) {
	l := r.links[at]
	from := int64(0)
	if !l.compressed {
		from = max(0, l.size-1)
	}
	content, err := r.contentOf(at, from)
	if content == nil || err != nil {
		return true, err
	}
	defer content.Close()
	last := byte('\n')
	buffer := make([]byte, copyBytes)
	for {
		n, err := content.Read(buffer)
		if n > 0 {
			last = buffer[n-1]
		}
		if err != nil {
			if errors.Is(err, io.EOF) || unreadable(err) {
				err = nil
			}
			return last == '\n', err
		}
	}
}

// contentOf gives the content of a link from an offset on, up to where the Reader ends; nil where
// it cannot be had. The caller closes it.
func (r *Reader) contentOf(at int, offset int64) (io.ReadCloser, error) {
	l := r.links[at]
	if err := r.hold(l); err != nil || l.gone {
		return nil, err
	}
	content, err := l.reader(offset)
	if unreadable(err) {
		return nil, nil
	}
	if err != nil || at < len(r.links)-1 {
		return content, err
	}
	return limited{io.LimitReader(content, max(0, r.endBytes-offset)), content}, nil
}

// limited is the beginning of a content.
type limited struct {
	io.Reader
	io.Closer
}
