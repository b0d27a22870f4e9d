package times

import (
	"io"
	"slices"
	"sort"
	"time"
)

// Moment is when a byte was moved to the log: at Latest, or where nobody knows that as
// exactly, after Earliest and not after Latest.
type Moment struct{ Earliest, Latest time.Time }

// Exact says that it is known as exactly as the resolution of the index has it.
func (m Moment) Exact() bool { return m.Earliest.Equal(m.Latest) }

// Span are bytes of one moment.
type Span struct {
	Begin, End int64
	Moment
}

// File is a file of the series as the index knows it.
type File struct {
	Begin, End int64 // End is that of what is known, where it is the live one
	Inode      uint64
}

// Index reads an index, which is untrusted: an error says that there are no times. It is used
// by one goroutine.
type Index struct {
	from  io.ReaderAt
	pages int64
	first header // of the first page
	last  state  // behind the last page, when it was read

	number  int64 // of the page that was read last; -1: none
	spans   []Span
	changes []change
	end     state // behind the page
}

// change is where another file begins.
type change struct {
	before, behind state
	stays          bool
}

// Read reads an index of size bytes.
func Read(from io.ReaderAt, sizeBytes int64) (*Index, error) {
	x := &Index{from: from, pages: (sizeBytes + pageBytes - 1) / pageBytes, number: -1}
	if x.pages == 0 {
		return nil, errPage
	}
	var err error
	if x.first, err = readHeader(from, 0); err != nil {
		return nil, err
	}
	if err := x.page(x.pages - 1); err != nil {
		return nil, err
	}
	x.last = x.end
	return x, nil
}

// Bounds gives the positions of the first byte with a time and of the end.
func (x *Index) Bounds() (begin, end int64) { return x.first.position, x.last.position }

// Begun is when the index was begun: what is before its first byte was written by then.
func (x *Index) Begun() time.Time { return time.UnixMilli(x.first.unixMS) }

// Told is when the last byte was moved that it tells of: what is behind that came later.
func (x *Index) Told() time.Time { return time.UnixMilli(x.last.unixMS) }

// Resolution is how far times are apart at least, as the index has it.
func (x *Index) Resolution() time.Duration {
	return time.Duration(x.first.resolutionMS) * time.Millisecond
}

// page reads a page.
func (x *Index) page(number int64) error {
	if number == x.number {
		return nil
	}
	x.number, x.spans, x.changes = -1, x.spans[:0], x.changes[:0]
	text, err := readPage(x.from, number)
	if err != nil {
		return err
	}
	x.end, _, err = walk(text, func(e entry, before, behind state) {
		switch e.kind {
		case kindMoved, kindBetween:
			at := Moment{time.UnixMilli(behind.unixMS), time.UnixMilli(behind.unixMS)}
			if e.kind == kindBetween {
				at.Earliest = time.UnixMilli(before.unixMS)
			}
			x.spans = append(x.spans, Span{before.position, behind.position, at})
		case kindFile:
			x.changes = append(x.changes, change{before, behind, e.stays})
		}
	})
	if err == nil {
		x.number = number
	}
	return err
}

// At gives the bytes that were moved together with the one at a position. ok is false where
// the index does not tell of it.
func (x *Index) At(position int64) (s Span, ok bool, err error) {
	if x.number < 0 || len(x.spans) == 0 || position < x.spans[0].Begin || position >= x.end.position {
		number, err := x.search(func(h header) bool { return h.position > position })
		if err != nil {
			return Span{}, false, err
		}
		if err := x.page(number); err != nil {
			return Span{}, false, err
		}
	}
	at := sort.Search(len(x.spans), func(i int) bool { return x.spans[i].End > position })
	if at == len(x.spans) || x.spans[at].Begin > position {
		return Span{}, false, nil
	}
	return x.spans[at], true, nil
}

// Since gives the first position from which on times are not before t; ok is false where
// there is none.
func (x *Index) Since(t time.Time) (position int64, ok bool, err error) {
	ms := t.UnixMilli()
	return x.find(func(h header) bool { return h.unixMS >= ms }, func(s Span) bool { return !s.Latest.Before(t) })
}

// After gives the first position at which the time is after t for certain; ok is false where
// there is none.
func (x *Index) After(t time.Time) (position int64, ok bool, err error) {
	ms := t.UnixMilli()
	return x.find(func(h header) bool { return h.unixMS > ms }, func(s Span) bool {
		return s.Latest.After(t) && (s.Exact() || !s.Earliest.Before(t))
	})
}

// find gives the position of the first span that is looked for: there is none before the last
// page that is not beyond.
func (x *Index) find(beyond func(header) bool, wanted func(Span) bool) (position int64, ok bool, err error) {
	number, err := x.search(beyond)
	for ; err == nil && number < x.pages; number++ {
		if err = x.page(number); err != nil {
			break
		}
		if at := slices.IndexFunc(x.spans, wanted); at >= 0 {
			return x.spans[at].Begin, true, nil
		}
	}
	return 0, false, err
}

func (x *Index) search(beyond func(header) bool) (number int64, err error) {
	return searchPages(x.from, x.pages, beyond)
}
