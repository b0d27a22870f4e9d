package times

import (
	"errors"
	"io"
	"sort"
)

// state is what is known behind an entry.
type state struct {
	position int64
	unixMS   int64
	files    uint64
	begin    int64
	inode    uint64
}

func (h header) state() state {
	return state{position: h.position, unixMS: h.unixMS, files: h.files, begin: h.begin, inode: h.inode}
}

// after gives the state behind an untrusted entry; ok is false where there can be none.
func (s state) after(e entry) (next state, ok bool) {
	next = s
	switch e.kind {
	case kindBack:
		next.unixMS -= e.ms
		return next, next.unixMS >= 0
	case kindFile:
		if next.begin = s.position - e.bytes; e.bytes > 0 && next.begin > s.position {
			return s, false
		}
		next.inode = e.inode
		if e.stays {
			next.files++
		}
		return next, true
	}
	next.position += e.bytes
	next.unixMS += e.ms
	return next, next.position > s.position && next.unixMS >= s.unixMS && next.unixMS <= mostUnixMS
}

// extend appends the entry, and where the clock was set back the one before it, that leads
// to a position at a time, and gives what is known behind it.
func (s state) extend(to []byte, as kind, position, unixMS int64) ([]byte, state) {
	if back := s.unixMS - unixMS; back >= setBackMS {
		to = entry{kind: kindBack, ms: back}.append(to)
		s.unixMS = unixMS
	}
	unixMS = max(unixMS, s.unixMS)
	e := entry{kind: as, ms: unixMS - s.unixMS, bytes: position - s.position}
	s.position, s.unixMS = position, unixMS
	return e.append(to), s
}

// walk calls each for the entries of an untrusted page, with the states before and behind
// them. It gives what is known at the end, and how long what was read is.
func walk(page []byte, each func(e entry, before, behind state)) (end state, length int, err error) {
	h, err := parseHeader(page)
	if err != nil {
		return state{}, 0, err
	}
	end, length = h.state(), headerBytes
	for length < len(page) {
		e, n := parseEntry(page[length:])
		if n == 0 {
			break
		}
		next, ok := end.after(e)
		if !ok {
			break
		}
		if each != nil {
			each(e, end, next)
		}
		end, length = next, length+n
	}
	return end, length, nil
}

// readPage reads a page; the last one of a file may be shorter.
func readPage(f io.ReaderAt, number int64) ([]byte, error) {
	page := make([]byte, pageBytes)
	n, err := f.ReadAt(page, number*pageBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return page[:n], nil
}

// readHeader reads the header of a page.
func readHeader(f io.ReaderAt, number int64) (header, error) {
	var text [headerBytes]byte
	_, err := f.ReadAt(text[:], number*pageBytes)
	if errors.Is(err, io.EOF) {
		return header{}, errPage
	}
	if err != nil {
		return header{}, err
	}
	return parseHeader(text[:])
}

// searchPages gives the page before the first one, of so many, whose header is beyond what is
// looked for.
func searchPages(f io.ReaderAt, pages int64, beyond func(header) bool) (number int64, err error) {
	at := sort.Search(int(pages), func(i int) bool {
		h, failed := readHeader(f, int64(i))
		if failed != nil {
			err = failed
		}
		return failed != nil || beyond(h)
	})
	return max(0, int64(at)-1), err
}
