// Package seriesname makes, reads and orders the names of the files of a rotated series, as
// logrotate does: `stdout.1`, `stdout-20240310.2.gz`.
//
// It is pure: what it knows are a policy, the name of the live file and a clock's time. Names
// that it reads are untrusted; its answers only say that the logger could have made them.
package seriesname

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice/core/logrotate"
)

// Scheme turns slots and dates into names and back. It may be used concurrently.
type Scheme struct {
	live string // the live file's own name
	base string // live without the extension that is to stay at the end
	ext  string // that extension
	cext string // ending of compressed files, empty if there are none
	both bool   // plain files count beside compressed ones: none is compressed any more

	start int
	dated bool
	date  dateFormat
}

// New gives the names that a policy leads to for the files of the live file `live`.
func New(p logrotate.Policy, live string) Scheme {
	s := Scheme{live: live, base: live, cext: p.CompressExt(), start: p.Start, dated: p.DateExt}
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

// Dated says that the names carry dates; else they carry numbers, and a rotation
// gives every file the next one.
func (s Scheme) Dated() bool { return s.dated }

// Start is the number of the youngest file of a numbered series.
func (s Scheme) Start() int { return s.start }

// Slot is the plain name of a numbered file.
func (s Scheme) Slot(n int) string { return s.base + "." + strconv.Itoa(n) + s.ext }

// Date is the date that a rotation at t leads to, in t's location, as it is written in a
// name.
func (s Scheme) Date(t time.Time) string { return s.date.suffix(t) }

// Day is the plain name of a dated file; the counter is only shown if positive.
func (s Scheme) Day(date string, counter int) string {
	if counter > 0 {
		date += "." + strconv.Itoa(counter)
	}
	return s.base + date + s.ext
}

// CompressExt is the ending of compressed files, empty where the policy does not compress.
func (s Scheme) CompressExt() string { return s.cext }

// Compressed is the name under which the retention counts a plain name: the
// compressed one where the policy compresses.
func (s Scheme) Compressed(plain string) string { return plain + s.cext }

// CountsPlain says that plain files count beside compressed ones: none is compressed any
// more.
func (s Scheme) CountsPlain() bool { return s.both }

// Counts says that the retention counts a file, whatever waits to be compressed.
func (s Scheme) Counts(at Place) bool { return s.both || at.Compressed == (s.cext != "") }

// SameNames says that plain files have the same names in both schemes.
func (s Scheme) SameNames(o Scheme) bool {
	return s.base == o.base && s.ext == o.ext && s.dated == o.dated &&
		(s.dated || s.start == o.start) && slices.Equal(s.date.fields, o.date.fields)
}

// Place says where in a series a name stands.
type Place struct {
	// Plain is the name without the compressor's ending, Compressed says that it has that.
	Plain      string
	Compressed bool
	// Number is that of a numbered name; the highest is the oldest.
	Number int
	// Date is the date in a dated name, as it is written there, and Counter the number that
	// follows it for the second file of that date and later ones; 0 is none.
	Date    string
	Counter int

	key int64 // orders dates
}

// Of is the place of a file with a date, the first one of that.
func (s Scheme) Of(date string) Place { return Place{Date: date, key: s.date.key(date)} }

// Place reads a name of the directory of the series; it reports false for names that
// are not of the series, the live one among them. The name is untrusted, the answer
// only says that the logger could have made it.
func (s Scheme) Place(untrusted string) (Place, bool) {
	at, ok := s.Parse(untrusted)
	if ok && !s.dated && at.Number < s.start {
		return Place{}, false
	}
	return at, ok
}

// Parse is Place, and reads numbers below the first of the policy too: another policy may
// have led to them.
func (s Scheme) Parse(untrusted string) (Place, bool) {
	if s.cext != "" {
		if plain, ok := strings.CutSuffix(untrusted, s.cext); ok {
			if p, ok := s.parsePlain(plain); ok {
				p.Compressed = true
				return p, true
			}
		}
	}
	return s.parsePlain(untrusted)
}

func (s Scheme) parsePlain(name string) (Place, bool) {
	middle, ok := strings.CutPrefix(name, s.base)
	if !ok {
		return Place{}, false
	}
	if middle, ok = strings.CutSuffix(middle, s.ext); !ok || middle == "" {
		return Place{}, false
	}
	p := Place{Plain: name}
	if s.dated {
		return p, s.readDate(middle, &p)
	}
	if p.Number, ok = decimal(strings.TrimPrefix(middle, ".")); !ok || middle[0] != '.' {
		return Place{}, false
	}
	return p, true
}

// readDate splits "-20240310.2" into suffix and counter.
func (s Scheme) readDate(middle string, p *Place) bool {
	p.Date = middle
	if !s.date.matches(middle) {
		dot := strings.LastIndexByte(middle, '.')
		if dot < 0 {
			return false
		}
		var ok bool
		if p.Counter, ok = decimal(middle[dot+1:]); !ok || p.Counter == 0 || !s.date.matches(middle[:dot]) {
			return false
		}
		p.Date = middle[:dot]
	}
	p.key = s.date.key(p.Date)
	return true
}

// decimal reads a number as strconv.Itoa writes it.
func decimal(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err == nil && (text[0] != '0' || len(text) == 1)
}

// Before says that p is the place of an older file than q.
func (p Place) Before(q Place) bool {
	switch {
	case p.Number != q.Number:
		return p.Number > q.Number
	case p.key != q.key:
		return p.key < q.key
	case p.Date != q.Date:
		return p.Date < q.Date
	case p.Counter != q.Counter:
		return p.Counter < q.Counter
	}
	return p.Compressed && !q.Compressed
}
