package times

import (
	"crypto/rand"
	"io"
)

const (
	// trimPages is from how many pages on it is looked whether some can go.
	trimPages = 8
	// trimShare of the pages is what Trim has them grow by before it looks again, and what
	// has to go to make it worth the copy.
	trimShare = 5
)

// Trim removes what tells of files that are gone: so many rotated ones are left. It writes
// the index anew, but only where that is worth it. What tells of files that the task has cut
// or removed itself has no end: at its bound an index loses its older half. Trim follows Flush.
func (w *Writer) Trim(rotated int) error {
	pages, over := w.at/pageBytes, w.over(w.at+pageBytes)
	if w.file == nil || !over && pages < max(trimPages, w.looked+w.looked/(trimShare-1)) {
		return nil
	}
	w.looked = pages
	oldest := w.last.files - min(w.last.files, uint64(max(0, rotated)))
	from, err := searchPages(w.file, pages, func(h header) bool { return h.files >= oldest })
	if over {
		from = max(from, pages/2)
	}
	if err != nil || from < pages/trimShare {
		return w.wrapped(err)
	}
	if err := w.copyFrom(from); err != nil {
		return w.wrapped(err)
	}
	w.looked = w.at / pageBytes
	return nil
}

// over tells whether an index of so many bytes takes more than it may.
func (w *Writer) over(bytes int64) bool { return w.MostBytes > 0 && bytes > w.MostBytes }

// copyFrom makes the page of that number the first.
func (w *Writer) copyFrom(page int64) error {
	begin := page * pageBytes
	h, err := readHeader(w.file, page)
	if err != nil {
		return err
	}
	name := w.Prefix + rand.Text()
	f, err := w.Dir.Create(name, w.Mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, io.NewSectionReader(w.file, begin, w.at+atOnceBytes-begin))
	if err == nil {
		err = w.Dir.Rename(name, w.Dir, w.Name)
	}
	if err != nil {
		_ = f.Close()
		_ = w.Dir.Unlink(name)
		return err
	}
	_ = w.release()
	w.file, w.at, w.first = f, w.at-begin, h.position
	return nil
}
