package times

import (
	"errors"
	"fmt"
	"os"
	"time"

	"sluice/core/sandbox"
)

const (
	// share of the log's bytes that its index takes at most, beyond leastPages: where it
	// would take more, the newest entry grows instead of ending. With what Trim has not
	// removed yet it is within logformat.TimesMostBytes.
	share      = 20
	leastPages = 4
	// mostPending bytes of entries wait for Flush at most.
	mostPending = 1 << 10
	// setBackMS is by how much the clock has to be set back for the index to follow it. A
	// smaller step makes times stand still for so long.
	setBackMS = 1000
)

// Config is what an index is made of.
type Config struct {
	// Dir is borrowed; Name is that of the index in it, and Prefix begins the names of those
	// that are to replace it, which the caller removes where a kill has left one.
	Dir          *sandbox.Dir
	Name, Prefix string
	// Resolution is how far entries are apart.
	Resolution time.Duration
	// MostBytes is what the index takes at most, whatever the task does to its log; 0: the
	// series has no bound either.
	MostBytes int64
	// Mode of the file: who may read the log may read when it was written.
	Mode os.FileMode
	// Anew says that positions begin with this Writer, whatever the log had before: those of
	// the index go on then where it knows the live file, else behind all that it knows.
	Anew bool
}

// Live is the file that is written.
type Live struct {
	Begin int64 // the position of its first byte
	Inode uint64
}

// Writer writes an index. What comes is told to it after it was moved, which costs no system
// call; Flush puts it into the file. So a kill costs times, and never makes one up. The entry
// that still grows is written too, and written over by the next Flush: the file always tells
// how far the log was at the last one.
//
// A Writer holds one descriptor until Close. It is used by one goroutine at a time.
type Writer struct {
	Config

	file     *os.File // nil while there is none
	attached bool     // the end of the file is known, and with it the next four
	at       int64    // of the file: where out goes
	out      []byte   // entries that have ended and are not in the file
	first    int64    // the position at which the first page begins
	last     state    // behind the last entry of out

	shift    int64 // of the index's positions against those that are told (Anew)
	anchored bool  // shift is known
	position int64 // of the end of the log
	ms       int64 // when it was told
	// late says that the entry that grows is of bytes that came while nobody was there to
	// tell, or waited in the pipe then: all until the first one ends that Moved has told of.
	late, told bool
	slot       int64 // of the resolution, in which the entry that still grows began
	live       Live
	dirty      bool // something has come since the last Flush

	looked int64 // pages that there were when Trim looked last
}

// Open goes on with what is there. position is that of the end of the log, and live the file
// that is written. Bytes that no entry tells of came until now, and those that are told
// first, which may have waited, until then. An index that cannot be read is begun anew, by
// Flush. fresh says that there is none.
func Open(config Config, position int64, live Live, fresh bool, now time.Time) (*Writer, error) {
	w := &Writer{Config: config, position: position, live: live, ms: unixMS(now)}
	if fresh {
		w.begin()
		return w, nil
	}
	return w, w.wrapped(w.attach())
}

// unixMS rounds up.
func unixMS(t time.Time) int64 { return t.Add(time.Millisecond - 1).UnixMilli() }

// Moved tells that the log has position bytes by now.
func (w *Writer) Moved(position int64, now time.Time) {
	position += w.shift
	if position == w.position {
		return
	}
	ms := unixMS(now)
	if slot := ms / max(1, w.Resolution.Milliseconds()); slot != w.slot {
		if w.roomForMore() {
			w.end()
		}
		w.slot = slot
	}
	w.position, w.ms, w.dirty, w.told = position, ms, true, true
}

// Begins tells of the file that what comes next goes into, or that it begins elsewhere than
// it was said to. stays says that the file before is one of the series still.
func (w *Writer) Begins(live Live, stays bool) {
	w.end()
	live.Begin += w.shift
	w.live, w.dirty = live, true
	if w.attached {
		w.putFile(stays)
	}
}

// Live is what Begins told last.
func (w *Writer) Live() Live { return Live{w.live.Begin - w.shift, w.live.Inode} }

// Owes tells whether there is something for Flush.
func (w *Writer) Owes() bool { return w.dirty }

// Bytes is how long the index is.
func (w *Writer) Bytes() int64 { return w.at + int64(len(w.out)) }

// Flush writes what has come since the last one. After an error it is given up: the next
// Flush tells of those bytes as of bytes that came until then.
func (w *Writer) Flush() error {
	if !w.dirty {
		return nil
	}
	if err := w.flush(); err != nil {
		_ = w.release()
		w.attached = false
		return w.wrapped(err)
	}
	w.dirty = false
	return nil
}

func (w *Writer) flush() error {
	if !w.attached {
		if err := w.attach(); err != nil {
			return err
		}
	}
	if w.file == nil {
		f, err := w.create()
		if err != nil {
			return err
		}
		w.file = f
	}
	if w.grows() {
		w.turn()
	}
	ended := len(w.out)
	text := w.out
	if w.grows() {
		text, _ = w.last.extend(text, w.kind(), w.position, w.ms)
	}
	if _, err := w.file.WriteAt(text, w.at); err != nil {
		return err
	}
	w.at += int64(ended)
	w.out = text[:0]
	return nil
}

// Close writes what has come, where a file is open already, and releases it.
func (w *Writer) Close() error {
	if w.file == nil {
		return nil
	}
	err := w.Flush()
	return errors.Join(err, w.release())
}

func (w *Writer) release() error {
	if w.file == nil {
		return nil
	}
	err := w.file.Close()
	w.file = nil
	return err
}

// grows tells whether there is an entry that has not ended.
func (w *Writer) grows() bool { return w.attached && w.position > w.last.position }

// roomForMore tells whether entries may be told apart now.
func (w *Writer) roomForMore() bool {
	return len(w.out) < mostPending && w.Bytes() < leastPages*pageBytes+(w.position-w.first)/share
}

// end ends the entry that still grows.
func (w *Writer) end() {
	if w.grows() {
		w.turn()
		w.out, w.last = w.last.extend(w.out, w.kind(), w.position, w.ms)
		w.late = w.late && !w.told
	}
}

// kind is that of the entry that still grows.
func (w *Writer) kind() kind {
	if w.late {
		return kindBetween
	}
	return kindMoved
}

// putFile tells which file is written.
func (w *Writer) putFile(stays bool) {
	w.turn()
	e := entry{kind: kindFile, bytes: w.last.position - w.live.Begin, inode: w.live.Inode, stays: stays}
	w.out = e.append(w.out)
	w.last, _ = w.last.after(e)
}

// turn begins a page, where the one before has no room for what is put at once.
func (w *Writer) turn() {
	used := w.Bytes() % pageBytes
	if used > 0 && used+atOnceBytes <= pageBytes {
		return
	}
	if used > 0 {
		w.out = append(w.out, make([]byte, pageBytes-used)...)
	}
	h := header{
		resolutionMS: uint32(w.Resolution.Milliseconds()),
		position:     w.last.position, unixMS: w.last.unixMS,
		files: w.last.files, begin: w.last.begin, inode: w.last.inode,
	}
	w.out = h.append(w.out)
}

func (w *Writer) wrapped(err error) error {
	if err != nil {
		return fmt.Errorf("write the time index %q: %w", w.Name, err)
	}
	return nil
}
