package stream

import (
	"golang.org/x/sys/unix"
)

// ownPart is the end of the live file that this logger wrote in one piece: begin..end.
// What a task adds to its own file is the task's. A hole costs it nothing, so that work on
// one would be without bound: it is never copied by a rotation, nor searched for the
// beginning of a line, nor counted.
type ownPart struct{ begin, end int64 }

// wrote tells that moved bytes were written to the end of a live file of size bytes.
func (o *ownPart) wrote(size int64, moved int) {
	if size != o.end {
		o.begin = size // the task has extended or truncated its file
	}
	o.end = size + int64(moved)
}

// from is the offset from which on a live file of size bytes has what the logger wrote; it
// is size where the file ends with something else. Holes are looked for each time, as the
// task can truncate its file and extend it to the same length.
func (o *ownPart) from(fd int, size int64) int64 {
	if size != o.end {
		return size
	}
	return behindHoles(fd, o.begin, size)
}

// ownAtOpening takes what an owner before has left for this logger's.
func ownAtOpening(size int64) ownPart { return ownPart{end: size} }

// maxHoles is how many holes of a file are looked at: a logger makes none.
const maxHoles = 16

// behindHoles is where the data begins that ends a file of size bytes, at the earliest
// begin (lseek(2), SEEK_HOLE): data has blocks, which its writer has paid for. On a file
// system that tells of no holes all of it is data.
func behindHoles(fd int, begin, size int64) int64 {
	for range maxHoles {
		hole := firstHole(fd, begin, size)
		if hole == size {
			return begin
		}
		var err error
		if begin, err = unix.Seek(fd, hole, unix.SEEK_DATA); err != nil || begin >= size {
			break
		}
	}
	return size
}

// firstHole is where the first hole of a file begins from an offset on, at the latest its
// size bytes.
func firstHole(fd int, from, size int64) int64 {
	hole, err := unix.Seek(fd, from, unix.SEEK_HOLE)
	if err != nil {
		return size
	}
	return min(hole, size)
}
