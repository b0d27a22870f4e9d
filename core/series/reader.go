package series

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"
)

const (
	// maxHeld files are held open at most. More would let somebody who reads slowly keep
	// the disk full of files that the retention has taken.
	maxHeld = 64
	// copyBytes are read at a time.
	copyBytes = 256 << 10
)

// ErrIncomplete says that not all of a series could be read; what could, was.
var ErrIncomplete = errors.New("not all of the log could be read")

// Reader reads a series once, from where it starts to the end. It is used by one
// goroutine.
type Reader struct {
	// Notice is told what is missing in the output; nil is silent.
	Notice func(message string)
	// Progress, if set, is told now and then which file is read.
	Progress func(Progress)

	series *Series
	// mu guards the links and what they hold; the first of them is read, and the last
	// one is always held. Only the goroutine that reads removes any.
	mu    sync.Mutex
	links []*link
	held  int
	// secured are files, by inode, that are held but not in their order yet.
	secured map[uint64]*link
	// offset is the position within the content of the first link.
	offset  int64
	current *link         // the first one, once it is read
	content io.ReadCloser // its content, at offset; nil where it is to be opened
	// endBytes is where the last file ends for somebody who does not follow.
	endBytes int64

	failed bool
	// missing is what was removed before it was read, and not told yet.
	missing missing
	done    Progress
}

// Progress says how far a Reader is.
type Progress struct {
	Name         string // of the file that is read
	File, Files  int    // its number, from 1
	WrittenBytes int64
}

// Read starts reading at the beginning of the oldest file. It fails with
// fs.ErrNotExist where there is no file at all. The caller closes the Reader.
func (s *Series) Read() (*Reader, error) {
	for range findAttempts {
		listing, err := s.Look()
		if err != nil {
			return nil, err
		}
		if len(listing.Files) == 0 {
			return nil, s.nothing(listing)
		}
		r := &Reader{series: s, secured: map[uint64]*link{}}
		for _, file := range listing.Files {
			r.links = append(r.links, linkOf(nil, file.Info, file.Live, file.Compressed))
		}
		last := r.links[len(r.links)-1]
		err = s.hold(last)
		if notThere(err) {
			continue // rotated just now
		}
		if err == nil {
			_, err = last.refresh()
		}
		if err != nil {
			return nil, err
		}
		r.held, r.endBytes, r.done.Files = 1, last.size, len(r.links)
		return r, nil
	}
	return nil, fmt.Errorf("open %q: it is rotated faster than it can be opened", s.live)
}

// nothing explains that there is no file to read.
func (s *Series) nothing(listing Listing) error {
	for _, impostor := range listing.Impostors {
		if impostor.Name == s.live {
			return fmt.Errorf("%q is not a log file but %s; expected a regular file with one name: %w", s.live, kind(impostor), fs.ErrNotExist)
		}
	}
	return fmt.Errorf("there is no %q, nor any rotated file of it: %w", s.live, fs.ErrNotExist)
}

// Close releases what is held.
func (r *Reader) Close() {
	r.closeContent()
	for _, l := range r.links {
		l.release()
	}
	for _, l := range r.secured {
		l.release()
	}
	r.links, r.secured = nil, nil
}

// Since leaves out the files that were written to last before t. What is left begins
// with the line that begins the first file, which may have been written before t.
func (r *Reader) Since(t time.Time) {
	for len(r.links) > 1 && r.links[0].modTime.Before(t) {
		r.links = r.links[1:]
	}
	if last := r.links[0]; len(r.links) == 1 && last.modTime.Before(t) {
		r.offset = last.size
	}
}

// Copy writes the series to w, up to the end that the youngest file had when reading
// began. It fails with ErrIncomplete if something could not be read, and else with the
// errors of w and ctx.
func (r *Reader) Copy(ctx context.Context, w io.Writer) error {
	buffer := make([]byte, copyBytes)
	for len(r.links) > 0 {
		if err := r.copyFile(ctx, w, buffer); err != nil {
			return err
		}
		if len(r.links) == 1 {
			break
		}
		r.advance()
	}
	return r.verdict()
}

func (r *Reader) verdict() error {
	r.tellMissing()
	if r.failed {
		return ErrIncomplete
	}
	return nil
}

// copyFile writes what is left of the first file, as far as it goes now.
func (r *Reader) copyFile(ctx context.Context, w io.Writer, buffer []byte) error {
	if err := r.openFirst(); err != nil {
		return err
	}
	for {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		n, err := r.readFirst(buffer)
		if n > 0 {
			if _, err := w.Write(buffer[:n]); err != nil {
				return err
			}
			r.tell(n)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// openFirst holds the first link and those behind it, and opens its content. What
// cannot be had is noticed, and reads as empty.
func (r *Reader) openFirst() error {
	if r.content != nil {
		return nil
	}
	r.mu.Lock()
	err := r.holdAhead()
	first := r.links[0]
	r.current, r.done.Name = first, first.name
	r.mu.Unlock()
	if err != nil {
		return err
	}
	if first.gone {
		r.missing.add(first, r.offset)
		r.content = empty
		return nil
	}
	r.tellMissing()
	content, err := first.reader(r.offset)
	if err != nil {
		r.damaged(first, err)
		content = empty
	}
	r.content = content
	return nil
}

// holdAhead holds the first files. What cannot be opened for another reason than that
// it is not there, an error says at its turn.
func (r *Reader) holdAhead() error {
	for i, l := range r.links {
		if i > 0 && r.held >= maxHeld {
			break
		}
		if l.f != nil || l.gone {
			continue
		}
		err := r.find(l)
		if err != nil && i == 0 {
			return err
		}
		if l.f != nil {
			r.held++
		}
	}
	return nil
}

// empty is the content of what cannot be read.
var empty = io.NopCloser(eof{})

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// readFirst reads on in the first file.
func (r *Reader) readFirst(buffer []byte) (int, error) {
	first := r.current
	if r.endBytes >= 0 && len(r.links) == 1 && !first.compressed {
		left := r.endBytes - r.offset
		if left <= 0 {
			return 0, io.EOF
		}
		buffer = buffer[:min(int64(len(buffer)), left)]
	}
	n, err := r.content.Read(buffer)
	r.offset += int64(n)
	if err != nil && err != io.EOF {
		if !errors.Is(err, ErrDamaged) {
			return n, fmt.Errorf("read %q: %w", first.name, err)
		}
		r.damaged(first, err)
		r.closeContent()
		r.content, err = empty, io.EOF
	}
	return n, err
}

// advance goes on to the next file. A file that is shorter than what was read of it has
// handed the beginning of its last line on to the next one, which begins with it.
func (r *Reader) advance() {
	r.closeContent()
	r.mu.Lock()
	defer r.mu.Unlock()
	first := r.links[0]
	skip := int64(0)
	if first.f != nil && !first.compressed {
		if _, err := first.refresh(); err == nil {
			skip = max(0, r.offset-first.size)
		}
	}
	if first.f != nil {
		first.release()
		r.held--
	}
	r.links = r.links[1:]
	r.offset = skip
	r.done.File++
}

func (r *Reader) closeContent() {
	if r.content != nil {
		_ = r.content.Close()
		r.content = nil
	}
}

// damaged says that a file cannot be read on.
func (r *Reader) damaged(l *link, err error) {
	r.complain("%s cannot be read beyond its byte %d: %v", l.name, r.offset, err)
}

func (r *Reader) complain(format string, args ...any) {
	r.failed = true
	if r.Notice != nil {
		r.Notice(fmt.Sprintf(format, args...))
	}
}

func (r *Reader) tell(n int) {
	r.done.WrittenBytes += int64(n)
	if r.Progress != nil {
		progress := r.done
		progress.File++
		r.Progress(progress)
	}
}
