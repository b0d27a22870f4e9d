package series

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"sluice/core/sandbox"
)

// link is one file of the chain that a Reader goes along. A file that is not the
// youngest does not change any more but for its name and, once, its form.
type link struct {
	name       string // when it was seen last, for messages
	live       bool   // it was the live file when it was seen last
	compressed bool
	inode      uint64
	modTime    time.Time
	size       int64
	step       int // from the live file of the listing (number.go); 0: it was in none
	// f is open while the link is held, else nil.
	f *os.File
	// gone says that the file could not be found again.
	gone bool
}

// linkOf describes a file that was opened, which it takes, or listed (f is nil).
func linkOf(f *os.File, info sandbox.Info, live, compressed bool) *link {
	return &link{
		name: info.Name, live: live, compressed: compressed,
		inode: info.Inode, modTime: info.ModTime, size: info.Size, f: f,
	}
}

// contentEnd is where the content ends, at the latest where it is compressed.
func (l *link) contentEnd() int64 {
	if l.compressed {
		return mostBytes
	}
	return l.size
}

// mostBytes is more than any content has.
const mostBytes = 1 << 62

// refresh takes over what is true of a held file now. links is its number of names.
func (l *link) refresh() (links uint64, err error) {
	info, err := sandbox.StatFile(l.f)
	if err != nil {
		return 0, err
	}
	l.size, l.modTime = info.Size, info.ModTime
	return info.Links, nil
}

// stat looks at a held file.
func (l *link) stat() (sandbox.Info, error) {
	if l.f == nil {
		return sandbox.Info{}, fs.ErrClosed
	}
	return sandbox.StatFile(l.f)
}

// release gives the descriptor up, and keeps what the file can be found again by.
func (l *link) release() {
	if l.f == nil {
		return
	}
	_, _ = l.refresh()
	_ = l.f.Close()
	l.f = nil
}

// found takes over what a listing says of the file.
func (l *link) found(file File) {
	l.name, l.live, l.compressed = file.Name, file.Live, file.Compressed
	l.inode, l.size = file.Inode, file.Size
	if l.live {
		l.modTime = file.ModTime
	}
}

// is says that a listed file is this one, which is not the youngest: an inode can be
// another file's by now, an inode with time and size cannot.
func (l *link) is(file File) bool {
	if file.Inode == l.inode {
		return l.f != nil || file.ModTime.Equal(l.modTime) && file.Size == l.size
	}
	return !l.compressed && file.Compressed && file.ModTime.Equal(l.modTime)
}

// hold opens the file under the name where it was seen last. It fails with
// fs.ErrNotExist where another has that name, or none. After a rotation the other one may
// have its inode: rehold knows.
func (s *Series) hold(l *link) error {
	f, info, err := s.open(l.name, l.live)
	if err != nil {
		return err
	}
	if info.Inode != l.inode {
		_ = f.Close()
		return fmt.Errorf("open %q: another file has the name: %w", l.name, fs.ErrNotExist)
	}
	l.f = f
	return nil
}

// rehold is hold after there may have been rotations.
func (s *Series) rehold(l *link) error {
	size, modTime := l.size, l.modTime
	if err := s.hold(l); err != nil {
		return err
	}
	if _, err := l.refresh(); err != nil || l.size == size && l.modTime.Equal(modTime) {
		return err
	}
	_ = l.f.Close()
	l.f, l.size, l.modTime = nil, size, modTime
	return fmt.Errorf("open %q: another file has the name: %w", l.name, fs.ErrNotExist)
}

// findAttempts is how often a file that moves on is looked for again.
const findAttempts = 64

// find holds a link that is not held, wherever in the series its file is by now.
// Where the retention has taken it, it sets gone.
func (r *Reader) find(l *link) error {
	if l.f != nil || l.gone {
		return nil
	}
	for range findAttempts {
		err := r.series.rehold(l)
		if err == nil || !notThere(err) {
			return err
		}
		listing, err := r.series.Look()
		if err != nil && r.series.dir.Removed() {
			break
		}
		if err != nil {
			return err
		}
		r.relocate(listing)
		if l.gone {
			return nil
		}
	}
	l.gone = true // with the sandbox, or it is renamed faster than it can be opened
	return nil
}

// notThere says that a name does not bear the file that was looked for: nothing, or
// nothing of the logger's.
func notThere(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, sandbox.ErrImpostor)
}

// relocate finds all links again, from the last one, which is held, back: several files
// may have been finished within one tick of the kernel's clock, but there is none
// between two links, and the retention takes the oldest first.
func (r *Reader) relocate(listing Listing) {
	files := listing.Files
	last := r.links[len(r.links)-1]
	_, _ = last.refresh()
	end := r.series.indexOf(last, files) + 1
	if end == 0 {
		end = len(files)
	}
	for _, l := range slices.Backward(r.links) {
		at := lastIndexFunc(files[:end], l.is)
		if at < 0 {
			l.gone = l.gone || l.f == nil && listing.settled
			continue
		}
		if end = at; l.f == nil {
			l.found(files[at])
		}
	}
}

// indexOf finds a held file, whatever its form, and is -1 where it is not there.
func (s *Series) indexOf(l *link, files []File) int {
	at := slices.IndexFunc(files, func(file File) bool { return file.Inode == l.inode })
	if at >= 0 || l.compressed {
		return at
	}
	return slices.IndexFunc(files, func(file File) bool {
		if !l.is(file) {
			return false
		}
		f, info, err := s.open(file.Name, false)
		if err != nil {
			return false
		}
		defer f.Close()
		return info.Inode == file.Inode && packedFrom(f, info, l)
	})
}

func lastIndexFunc(files []File, accept func(File) bool) int {
	for i, file := range slices.Backward(files) {
		if accept(file) {
			return i
		}
	}
	return -1
}

// reader gives the content of a held link from an offset on. The caller closes it.
func (l *link) reader(offset int64) (io.ReadCloser, error) {
	if !l.compressed {
		return io.NopCloser(io.NewSectionReader(l.f, offset, mostBytes-offset)), nil
	}
	content, err := Expand(io.NewSectionReader(l.f, 0, mostBytes))
	if err != nil {
		return nil, err
	}
	if _, err := io.CopyN(io.Discard, content, offset); err != nil && !errors.Is(err, io.EOF) {
		_ = content.Close()
		return nil, err
	}
	return content, nil
}
