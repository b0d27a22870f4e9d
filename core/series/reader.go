package series

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
	"time"
)

// maxHeld files are held open at most. More would let somebody who reads slowly keep the
// disk full of files that the retention has taken.
const maxHeld = 64

// ErrIncomplete says that not all of a series could be read; what could, was.
var ErrIncomplete = errors.New("not all of the log could be read")

// Reader reads a series once, from where it starts to the end. It is used by one
// goroutine.
type Reader struct {
	// Notice is told what is missing in the output; nil is silent.
	Notice func(message string)
	// Progress, if set, is told now and then which file is read.
	Progress func(Progress)

	series  *Series
	listing Listing // with which reading began
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
	// endBytes is where the content of the last file ends for somebody who does not follow.
	endBytes int64

	failed bool
	// unreadable is what was wrong with the first link.
	unreadable error
	// missing is what was removed before it was read, and not told yet.
	missing missing
	done    Progress
	// tail is the end of what was read of the first file.
	tail []byte

	times *timeline // nil until somebody asks for times
	stamp stamped   // that was asked for last
	chunk chunk     // that is written
	// foundEnd is when Follow found the end of what there was.
	foundEnd time.Time
	// untold says that it was told that there are no times of some lines.
	untold bool
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
	r := &Reader{series: s, secured: map[uint64]*link{}}
	for range findAttempts {
		listing, err := s.lookAnd(r.begin)
		if err == nil && len(listing.Files) == 0 {
			err = s.nothing(listing)
		}
		if err != nil {
			r.Close()
			return nil, err
		}
		if last := r.links[len(r.links)-1]; last.f != nil {
			r.listing, r.endBytes, r.done.Files = listing, last.contentEnd(), len(r.links)
			return r, nil
		}
	}
	r.Close()
	return nil, fmt.Errorf("open %q: it is rotated faster than it can be opened", s.live)
}

// begin takes the files of a listing, and holds the youngest and the first ones, before a
// rotation gives their names to others.
func (r *Reader) begin(listing Listing) (bool, error) {
	for _, l := range r.links {
		r.letGo(l)
	}
	r.links = r.links[:0]
	steps := r.series.steps(listing.Files)
	for i, file := range listing.Files {
		l := linkOf(nil, file.Info, file.Live, file.Compressed)
		l.step = steps[i]
		r.links = append(r.links, l)
	}
	for i, l := range slices.Backward(r.links) {
		if i < len(r.links)-1 && i >= maxHeld-1 {
			continue
		}
		err := r.take(l, r.series.hold)
		if notThere(err) {
			return false, nil
		}
		if i == len(r.links)-1 && err != nil {
			return false, err
		}
	}
	return true, nil
}

// take holds a link by what `hold` does, and counts it.
func (r *Reader) take(l *link, hold func(*link) error) error {
	if l.f != nil {
		return nil
	}
	err := hold(l)
	if l.f != nil {
		r.held++
	}
	return err
}

// letGo releases a link that take holds.
func (r *Reader) letGo(l *link) {
	if l.f != nil {
		l.release()
		r.held--
	}
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
	if r.times != nil {
		r.times.close()
	}
	r.links, r.secured = nil, nil
}

// damaged says that a file cannot be read on.
func (r *Reader) damaged(l *link, err error) {
	r.unreadable = err
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
