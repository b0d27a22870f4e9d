package times

import (
	"errors"
	"io/fs"
	"os"

	"sluice/core/sandbox"
)

// attach finds the end of what is there. What is no index, or tells of more than was ever
// written, is removed.
func (w *Writer) attach() error {
	f, err := w.Dir.OpenOwnWrite(w.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		w.begin()
		return nil
	case errors.Is(err, sandbox.ErrImpostor):
		return w.replace()
	case err != nil:
		return err
	}
	err = w.goOn(f)
	if err == nil {
		w.file, w.attached = f, true
		w.catchUp()
		return nil
	}
	_ = f.Close()
	if errors.Is(err, errPage) {
		return w.replace()
	}
	return err
}

// replace begins an index in place of what bears its name, which can only be a task's.
func (w *Writer) replace() error {
	if err := w.Dir.Unlink(w.Name); err != nil {
		return err
	}
	w.begin()
	return nil
}

// begin begins an index. What was written before has no times.
func (w *Writer) begin() {
	w.anchored = true
	w.attached, w.at, w.out, w.first, w.looked, w.late = true, 0, w.out[:0], w.position, 0, false
	w.last = state{position: w.position, unixMS: w.ms, begin: w.live.Begin, inode: w.live.Inode}
	w.turn()
}

// create makes the file, whatever bears its name: that can only be a task's.
func (w *Writer) create() (*os.File, error) {
	f, err := w.Dir.Create(w.Name, w.Mode)
	if !errors.Is(err, fs.ErrExist) {
		return f, err
	}
	if err := w.Dir.Unlink(w.Name); err != nil {
		return nil, err
	}
	return w.Dir.Create(w.Name, w.Mode)
}

// goOn reads the end of an index. What is behind it would be taken for entries later.
func (w *Writer) goOn(f *os.File) error {
	info, err := sandbox.StatFile(f)
	if err != nil {
		return err
	}
	first, err := readHeader(f, 0)
	if err != nil {
		return err
	}
	number := (info.Size - 1) / pageBytes
	page, err := readPage(f, number)
	if err != nil {
		return err
	}
	end, length, err := walk(page, nil)
	if err != nil {
		return err
	}
	w.anchor(end)
	at := number*pageBytes + int64(length)
	if end.position > w.position || first.position > end.position || w.over(at) {
		return errPage
	}
	w.at, w.out, w.first, w.last = at, w.out[:0], first.position, end
	return f.Truncate(w.at)
}

// anchor finds the position of the end of the log by the end of the index.
func (w *Writer) anchor(end state) {
	if !w.Anew || w.anchored {
		return
	}
	size := w.position - w.live.Begin
	behind := end.position
	if end.inode == w.live.Inode {
		behind = end.begin
	}
	w.shift, w.anchored = behind+size-w.position, true
	w.position += w.shift
	w.live.Begin += w.shift
}

// catchUp tells what has become of the log since the last entry of the file.
func (w *Writer) catchUp() {
	w.late, w.told = true, false
	w.dirty = w.dirty || w.grows()
	w.end()
	if w.live.Begin != w.last.begin || w.live.Inode != w.last.inode {
		w.putFile(w.live.Inode != w.last.inode)
		w.dirty = true
	}
}
