package series

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"sluice/core/logformat"
	"sluice/core/sandbox"
	"sluice/core/times"
)

// timeline is the time index of a series (core/times) as a Reader uses it. It is the task's, who
// may have put anything in its place; what cannot be had of it is not known, and never an error.
type timeline struct {
	s     *Series
	file  *os.File
	info  sandbox.Info // of the file, when it was read
	index *times.Index // nil: there is none
	why   string       // there is none

	// numbers are those that files have in the index, as far as they are known.
	numbers map[*link]ordinal
	before  ordinal // the file before the one that is read
	found   extent  // of the link that was looked for last
}

// ordinal is the number of a file in the index, if there is one.
type ordinal struct {
	number uint64
	known  bool
}

// timeline opens the index and numbers the files that are to be read, once.
func (r *Reader) timeline() *timeline {
	if r.times != nil {
		return r.times
	}
	t := &timeline{s: r.series, numbers: map[*link]ordinal{}}
	r.times = t
	if err := t.open(); err != nil {
		t.drop(err)
		return t
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t.number(r.links)
	return t
}

// drop makes it none, for an error.
func (t *timeline) drop(err error) {
	name := logformat.TimesName(t.s.live)
	t.why = fmt.Sprintf("%s cannot be read: %v", name, err)
	if errors.Is(err, fs.ErrNotExist) {
		t.why = "there is no " + name
	}
	t.index = nil
	t.close()
}

// open reads the index that is there now.
func (t *timeline) open() error {
	f, err := openOnce(t.s.dir, logformat.TimesName(t.s.live))
	if err != nil {
		return err
	}
	if err := t.read(f); err != nil {
		_ = f.Close()
		return err
	}
	return nil
}

// read makes a file, which it takes, the index.
func (t *timeline) read(f *os.File) error {
	info, err := sandbox.StatFile(f)
	if err != nil {
		return err
	}
	index, err := times.Read(f, info.Size)
	if err != nil {
		return err
	}
	if t.file != f {
		t.close()
	}
	t.file, t.info, t.index, t.found = f, info, index, extent{}
	return nil
}

// refresh reads the index again where it has changed: it grows, and is replaced when it is
// trimmed. What cannot be read leaves what is known.
func (t *timeline) refresh() {
	if t.index == nil {
		return
	}
	info, err := t.s.dir.Stat(logformat.TimesName(t.s.live))
	switch {
	case err != nil || !info.Ours():
	case info.Inode != t.info.Inode:
		_ = t.open()
	case info.Size != t.info.Size || !info.ModTime.Equal(t.info.ModTime):
		_ = t.read(t.file)
	}
}

func (t *timeline) close() {
	if t.file != nil {
		_ = t.file.Close()
		t.file = nil
	}
}

// leave is told that the Reader is done with a file.
func (t *timeline) leave(l *link) {
	if t.index == nil {
		return
	}
	if t.extent(l).is != told {
		t.refresh()
	}
	e := t.extent(l)
	t.before = ordinal{e.number, e.is == told}
	delete(t.numbers, l)
}

// end is the position behind the last byte that the index tells of.
func (t *timeline) end() int64 {
	_, end := t.index.Bounds()
	return end
}

// begin is the position of the first byte that it tells of; what is before was written by Begun.
func (t *timeline) begin() int64 {
	begin, _ := t.index.Bounds()
	return begin
}

// begun is when that was.
func (t *timeline) begun() time.Time { return t.index.Begun() }
