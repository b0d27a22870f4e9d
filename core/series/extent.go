package series

import (
	"time"

	"sluice/core/times"
)

// Which part of the positions of the index is a file's, nobody writes beside the file. A plain
// one is known by its inode and its length, a compressed one by its place among the others, and
// held against its time, which is that of its last byte still.

// extent is a part of the positions that the index counts.
type extent struct {
	of     *link
	is     toldOf
	number uint64
	begin  int64
	end    int64 // what comes is behind that, where it is the newest file
}

// toldOf says what the index tells of a file.
type toldOf uint8

const (
	untold  toldOf = iota // nothing
	pending               // nothing yet: all that is in it came after what it tells of
	told
)

const (
	// youngFiles of the index are looked at for a file whose number is not known.
	youngFiles = 64
	// fileTimeWithin is how far the time of a file may be from those that the index has for it.
	fileTimeWithin = 5 * time.Second
)

// extent gives the part that is a link's.
func (t *timeline) extent(l *link) extent {
	if t.found.of != l {
		t.found = t.locate(l)
		t.found.of = l
	}
	return t.found
}

func (t *timeline) locate(l *link) extent {
	at, listed := t.numbers[l]
	if !listed && l.compressed {
		// It has come after the one that was read before it, and no other between them.
		at = ordinal{t.before.number + 1, t.before.known}
	}
	if !l.compressed && (!listed || at.known) {
		at = t.inodeAt(l, at)
		if !at.known && (!listed || l.step == liveStep) {
			return extent{is: pending}
		}
	}
	if !at.known {
		return extent{}
	}
	f, ok, err := t.index.File(at.number)
	if err != nil || !ok || !possible(f) || l.compressed && !t.timely(l, f, at.number) {
		return extent{}
	}
	return extent{is: told, number: at.number, begin: f.Begin, end: f.End}
}

// inodeAt gives the number of a plain file: the one that is expected, if it is that file's, else
// of the youngest that is. A file that is held has its inode for itself, but the index may not
// tell of it yet, and of another one that had it before.
func (t *timeline) inodeAt(l *link, expected ordinal) ordinal {
	if expected.known && t.isFile(l, expected.number) {
		return expected
	}
	number := t.index.Newest()
	for range youngFiles {
		if t.isFile(l, number) {
			return ordinal{number, true}
		}
		if number == 0 {
			break
		}
		number--
	}
	return ordinal{}
}

// isFile says that the file of that number is a plain one.
func (t *timeline) isFile(l *link, number uint64) bool {
	f, ok, err := t.index.File(number)
	if err != nil || !ok || f.Inode != l.inode || !possible(f) {
		return false
	}
	size := l.sizeNow()
	if number != t.index.Newest() {
		return size == f.End-f.Begin
	}
	// A rotation that the index does not tell of yet may have taken something off its end.
	return size >= f.End-f.Begin || !l.live
}

// sizeNow is how long a plain file is.
func (l *link) sizeNow() int64 {
	if info, err := l.stat(); err == nil {
		return info.Size
	}
	return l.size
}

// timely says that a file was written last when the last byte of an extent was, or at least
// before anything came for the file behind it: a rotation may have shortened it.
func (t *timeline) timely(l *link, f times.File, number uint64) bool {
	if f.End <= t.begin() {
		return !l.modTime.After(t.begun().Add(fileTimeWithin))
	}
	last, ok, err := t.index.At(f.End - 1)
	if err != nil || !ok && f.Begin < f.End {
		return false
	}
	if l.modTime.Before(last.Earliest.Add(-fileTimeWithin)) {
		return false
	}
	turn, ok, err := t.index.Turn(number)
	if err != nil || !ok {
		return err == nil
	}
	next, ok, err := t.index.At(turn)
	if err != nil || !ok {
		return err == nil
	}
	latest := next.Latest
	if last.Latest.After(latest) {
		latest = last.Latest // the clock was set back
	}
	return !l.modTime.After(latest.Add(fileTimeWithin))
}

// possible says that a file can be one: sums of what it says can be trusted then.
func possible(f times.File) bool {
	const most = mostBytes / 2
	return -most <= f.Begin && f.Begin <= f.End && f.End <= most
}

// offset is that of a position within the file, or its beginning where it is before that.
func (e extent) offset(position int64) int64 {
	if position <= e.begin {
		return 0
	}
	return min(position, mostBytes) - e.begin
}
