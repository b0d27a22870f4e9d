package series

import (
	"math"
	"time"

	"sluice/core/times"
)

// Stamp tells when a byte was written: at Latest, or where nobody knows that as exactly, after
// Earliest and not after Latest.
type Stamp struct {
	times.Moment
	// Known says that the time index tells, else Latest is when the file was written last.
	Known bool
}

const (
	// seenWithin is how long the reader may have looked away for what it finds then to be new.
	seenWithin = 2 * time.Second
	// clockTick is how far the time of a file may be behind its last write: the kernel gives
	// it the time of its last tick.
	clockTick = 10 * time.Millisecond
)

// stamped is the stamp of the bytes from..to of the content of a link.
type stamped struct {
	of       *link
	from, to int64
	Stamp
}

// chunk is what was read last of a link, up to an offset.
type chunk struct {
	of     *link
	to     int64
	seen   time.Time // when it was looked at first
	looked bool      // whether the index tells of it now
}

// HasTimes tells whether there is a time index. It is asked before reading begins.
func (r *Reader) HasTimes() bool { return r.timeline().index != nil }

// Resolution is that of the time index, 0 where there is none.
func (r *Reader) Resolution() time.Duration {
	if !r.HasTimes() {
		return 0
	}
	return r.times.index.Resolution()
}

// Stamp tells when the byte at text[at] was written. It is for the writer that Copy or Follow
// is given, while it has text.
func (r *Reader) Stamp(text []byte, at int) Stamp {
	offset := r.offset - int64(len(text)-at)
	if s := r.stamp; s.of == r.current && s.from <= offset && offset < s.to {
		return s.Stamp
	}
	if r.chunk.of != r.current || r.chunk.to != r.offset {
		r.chunk = chunk{of: r.current, to: r.offset, seen: time.Now()}
	}
	r.stamp = r.stampAt(offset)
	if !r.stamp.Known {
		r.noteUntold(r.current)
	}
	return r.stamp.Stamp
}

// stampAt looks into the index, and into a newer one where that does not tell.
func (r *Reader) stampAt(offset int64) stamped {
	t := r.timeline()
	if t.index == nil {
		return r.unknown(offset)
	}
	if s, ok := t.stamp(r.current, offset); ok {
		return s
	}
	if !r.chunk.looked {
		r.chunk.looked = true
		t.refresh()
		if s, ok := t.stamp(r.current, offset); ok {
			return s
		}
	}
	if e := t.extent(r.current); e.is == untold || e.is == told && e.begin+offset < t.end() {
		return r.unknown(offset)
	}
	return r.newer(offset)
}

// stamp gives what the index tells of a byte; ok is false where that is nothing.
func (t *timeline) stamp(l *link, offset int64) (s stamped, ok bool) {
	e := t.extent(l)
	at := e.begin + offset
	if e.is != told {
		return stamped{}, false
	}
	if at < t.begin() {
		first := offset + (t.begin() - at)
		return stamped{l, offset, first, Stamp{times.Moment{Latest: t.begun()}, true}}, first > offset
	}
	span, ok, err := t.index.At(at)
	if err != nil || !ok {
		return stamped{}, false
	}
	return stamped{l, offset, offset + (span.End - at), Stamp{span.Moment, true}}, span.End > at
}

// newer is the stamp of what the index does not tell of yet.
func (r *Reader) newer(offset int64) stamped {
	after := r.times.index.Told()
	return stamped{r.current, offset, r.offset, Stamp{r.seen(after), true}}
}

// unknown is the stamp of what the index will not tell of.
func (r *Reader) unknown(offset int64) stamped {
	if l := r.current; l.f == nil || l.compressed {
		return stamped{l, 0, math.MaxInt64, Stamp{times.Moment{Latest: l.modTime}, false}}
	}
	return stamped{r.current, offset, r.offset, Stamp{r.seen(time.Time{}), false}}
}

// seen is when the chunk was written, as far as the time of its file tells and when it was
// read: what was not there when the reader found the end has come since.
func (r *Reader) seen(after time.Time) times.Moment {
	m := times.Moment{Earliest: after, Latest: r.chunk.seen}
	if info, err := r.current.stat(); err == nil {
		written := info.ModTime
		if !after.IsZero() {
			written = written.Add(clockTick)
		}
		if written.After(after) && written.Before(m.Latest) {
			m.Latest = written
		}
	}
	m.Latest = time.UnixMilli(m.Latest.Add(time.Millisecond - 1).UnixMilli())
	if !r.foundEnd.IsZero() && r.chunk.seen.Sub(r.foundEnd) < seenWithin {
		m.Earliest = m.Latest
	}
	return m
}

// noteFile says, once, that the lines of a file have no times, if that is so.
func (r *Reader) noteFile(l *link) {
	if t := r.timeline(); t.index == nil || t.extent(l).is == untold {
		r.noteUntold(l)
	}
}

// noteUntold says, once, that lines have no times.
func (r *Reader) noteUntold(l *link) {
	if r.untold || r.Notice == nil {
		return
	}
	r.untold = true
	if why := r.timeline().why; why != "" {
		r.Notice(why + ": when a line was written is not known, but for the time at which its file was written last")
		return
	}
	r.Notice(l.name + " is not in the time index as it is: when its lines were written is not known, but for the time at which the " +
		"file was written last; nor is it of other such files, which are not named")
}
