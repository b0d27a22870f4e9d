// Package times is the time index of a series: when each byte of a log was moved into its
// files. The log itself carries no times.
//
// An index counts positions: the byte at position p is byte number p of all that was ever
// written to the files of the series, marks of losses included, one file after the other.
// It is one file beside the live file, the task's, which a task may remove or garble: then
// its log has no times.
//
// The file is a row of pages. Each can be read by itself and says where it begins, so that
// a position or a time is found without reading the others:
//
//	page   = header, entries, zeros up to pageBytes
//	header = magic, resolution in ms, position, time, files, begin and inode of the file, CRC
//	entry  = kind and ms since the entry before (uvarint: ms<<3 | kind), then by the kind
//	         moved    so many bytes (uvarint), at this time
//	         between  so many bytes (uvarint), at some time since the entry before
//	         file     the next file begins: how many bytes before this position (varint), its
//	                  inode (uvarint), and 1 where the file before stays in the series (uvarint)
//	         back     the clock was set back by so many ms; what follows counts from there
//
// A time is that of the moment after the bytes were moved, in milliseconds, rounded up: no
// byte was written later than its time says. The package knows neither streams nor
// rotations.
package times

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

const (
	pageBytes   = 4096
	headerBytes = 52
	// atOnceBytes is the most that is put at once: two entries.
	atOnceBytes = 2 * 4 * binary.MaxVarintLen64
)

// magic begins a page of this format.
var magic = [4]byte{'s', 'T', 'I', '1'}

// kind is what an entry tells.
type kind uint8

const (
	kindEnd kind = iota // no entry: the rest of the page is empty
	kindMoved
	kindBetween
	kindFile
	kindBack

	kindBits = 3
)

// errPage says that a page is none, or was garbled.
var errPage = errors.New("no page of a time index")

// header begins a page: what was true before its first entry.
type header struct {
	resolutionMS uint32
	position     int64
	unixMS       int64
	files        uint64 // that have begun and stayed in the series, before the current one
	begin        int64  // position at which the current file begins
	inode        uint64 // of the current file
}

func (h header) append(to []byte) []byte {
	from := len(to)
	to = append(to, magic[:]...)
	to = binary.LittleEndian.AppendUint32(to, h.resolutionMS)
	to = binary.LittleEndian.AppendUint64(to, uint64(h.position))
	to = binary.LittleEndian.AppendUint64(to, uint64(h.unixMS))
	to = binary.LittleEndian.AppendUint64(to, h.files)
	to = binary.LittleEndian.AppendUint64(to, uint64(h.begin))
	to = binary.LittleEndian.AppendUint64(to, h.inode)
	return binary.LittleEndian.AppendUint32(to, crc32.Checksum(to[from:], castagnoli))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// parseHeader reads the header of an untrusted page.
func parseHeader(page []byte) (h header, err error) {
	const summed = headerBytes - crc32.Size
	if len(page) < headerBytes || [4]byte(page) != magic ||
		binary.LittleEndian.Uint32(page[summed:]) != crc32.Checksum(page[:summed], castagnoli) {
		return header{}, errPage
	}
	h = header{
		resolutionMS: binary.LittleEndian.Uint32(page[4:]),
		position:     int64(binary.LittleEndian.Uint64(page[8:])),
		unixMS:       int64(binary.LittleEndian.Uint64(page[16:])),
		files:        binary.LittleEndian.Uint64(page[24:]),
		begin:        int64(binary.LittleEndian.Uint64(page[32:])),
		inode:        binary.LittleEndian.Uint64(page[40:]),
	}
	if h.position < 0 || h.unixMS < 0 || h.unixMS > mostUnixMS {
		return header{}, errPage
	}
	return h, nil
}

// mostUnixMS is the end of the year 9999, beyond which times have no usual form.
const mostUnixMS = 253_402_300_799_999

// entry is one of a page.
type entry struct {
	kind  kind
	ms    int64  // since the entry before, or by how much the clock was set back
	bytes int64  // that were moved; of a file, how far before the position it begins
	inode uint64 // of a file
	stays bool   // the file before it is one of the series still
}

func (e entry) append(to []byte) []byte {
	to = binary.AppendUvarint(to, uint64(e.ms)<<kindBits|uint64(e.kind))
	switch e.kind {
	case kindMoved, kindBetween:
		return binary.AppendUvarint(to, uint64(e.bytes))
	case kindFile:
		to = binary.AppendVarint(to, e.bytes)
		to = binary.AppendUvarint(to, e.inode)
		stays := uint64(0)
		if e.stays {
			stays = 1
		}
		return binary.AppendUvarint(to, stays)
	}
	return to
}

// parseEntry reads the entry at the begin of the rest of an untrusted page, and tells how
// long it is; 0 is the end of the page.
func parseEntry(rest []byte) (e entry, length int) {
	f := fields{rest: rest, ok: true}
	first := f.uvarint()
	e.kind, e.ms = kind(first&(1<<kindBits-1)), int64(first>>kindBits)
	switch e.kind {
	case kindMoved, kindBetween:
		e.bytes = int64(f.uvarint())
		f.ok = f.ok && e.bytes > 0
	case kindFile:
		e.bytes, e.inode = f.varint(), f.uvarint()
		stays := f.uvarint()
		e.stays, f.ok = stays == 1, f.ok && stays <= 1
	case kindBack:
	default:
		f.ok = false
	}
	if !f.ok {
		return entry{}, 0
	}
	return e, len(rest) - len(f.rest)
}

// fields takes numbers off untrusted bytes. After one that is none ok is false.
type fields struct {
	rest []byte
	ok   bool
}

func (f *fields) uvarint() uint64 {
	value, n := binary.Uvarint(f.rest)
	return take(f, value, n)
}

func (f *fields) varint() int64 {
	value, n := binary.Varint(f.rest)
	return take(f, value, n)
}

func take[T any](f *fields, value T, length int) T {
	f.ok = f.ok && length > 0
	f.rest = f.rest[max(0, length):]
	return value
}
