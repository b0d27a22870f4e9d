package rotation

import (
	"strconv"
	"strings"

	"sluice/core/logrotate"
)

// scheme turns slots and dates into names and back, as logrotate does.
type scheme struct {
	live string // the live file's own name
	base string // live without the extension that is to stay at the end
	ext  string // that extension
	cext string // ending of compressed files, empty if there are none
	both bool   // plain files count beside compressed ones: none is compressed any more

	start int
	dated bool
	date  dateFormat
}

func newScheme(p logrotate.Policy, live string) scheme {
	s := scheme{live: live, base: live, cext: p.CompressExt(), start: p.Start, dated: p.DateExt}
	s.both = p.Compress && !p.Compresses()
	if p.AddExtension != "" {
		s.base = strings.TrimSuffix(s.base, p.AddExtension)
		s.ext = p.AddExtension
	}
	if base, ok := strings.CutSuffix(s.base, p.Extension); ok && p.Extension != "" {
		s.base, s.ext = base, p.Extension
	}
	s.date = newDateFormat(p)
	return s
}

// slot is the plain name of a numbered file.
func (s scheme) slot(n int) string { return s.base + "." + strconv.Itoa(n) + s.ext }

// day is the plain name of a dated file; the counter is only shown if positive.
func (s scheme) day(suffix string, counter int) string {
	if counter > 0 {
		suffix += "." + strconv.Itoa(counter)
	}
	return s.base + suffix + s.ext
}

// counted is the name under which the retention counts a plain name: the
// compressed one where the policy compresses.
func (s scheme) counted(plain string) string { return plain + s.cext }

// counts says that the retention counts a file, whatever waits to be compressed.
func (s scheme) counts(at place) bool { return s.both || at.compressed == (s.cext != "") }

// place says where in the series a name stands.
type place struct {
	plain      string // the name without the compressor's ending
	compressed bool
	slot       int // of a numbered name

	suffix  string // date of a dated name
	key     int64  // orders dates
	counter int
}

// place reads a name; it reports false for names that are not of the series. The
// name is untrusted, the answer only says that the logger could have made it.
func (s scheme) place(name string) (place, bool) {
	if s.cext != "" {
		if plain, ok := strings.CutSuffix(name, s.cext); ok {
			if p, ok := s.placePlain(plain); ok {
				p.compressed = true
				return p, true
			}
		}
	}
	return s.placePlain(name)
}

func (s scheme) placePlain(name string) (place, bool) {
	middle, ok := strings.CutPrefix(name, s.base)
	if !ok {
		return place{}, false
	}
	if middle, ok = strings.CutSuffix(middle, s.ext); !ok || middle == "" {
		return place{}, false
	}
	p := place{plain: name}
	if s.dated {
		return p, s.readDate(middle, &p)
	}
	if p.slot, ok = decimal(strings.TrimPrefix(middle, ".")); !ok || middle[0] != '.' {
		return place{}, false
	}
	return p, true
}

// readDate splits "-20240310.2" into suffix and counter.
func (s scheme) readDate(middle string, p *place) bool {
	p.suffix = middle
	if !s.date.matches(middle) {
		dot := strings.LastIndexByte(middle, '.')
		if dot < 0 {
			return false
		}
		var ok bool
		if p.counter, ok = decimal(middle[dot+1:]); !ok || p.counter == 0 || !s.date.matches(middle[:dot]) {
			return false
		}
		p.suffix = middle[:dot]
	}
	p.key = s.date.key(p.suffix)
	return true
}

// decimal reads a number as strconv.Itoa writes it.
func decimal(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err == nil && (text[0] != '0' || len(text) == 1)
}

// before orders places from the oldest file to the youngest.
func (p place) before(q place) bool {
	switch {
	case p.slot != q.slot:
		return p.slot > q.slot
	case p.key != q.key:
		return p.key < q.key
	case p.suffix != q.suffix:
		return p.suffix < q.suffix
	case p.counter != q.counter:
		return p.counter < q.counter
	}
	return p.compressed && !q.compressed
}
