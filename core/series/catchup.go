package series

import (
	"errors"
	"io/fs"
	"os"
	"slices"

	"sluice/core/sandbox"
	"sluice/core/seriesname"
)

const (
	// walkAttempts is how often a walk is repeated because of rotations meanwhile; what
	// it opened stays open until the next one.
	walkAttempts = 256
	// maxOlder files in a row with an earlier time than the known one end the search.
	maxOlder = 16
)

// youngest is the last link. It is held until this goroutine adds another.
func (r *Reader) youngest() *link {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.links[len(r.links)-1]
}

// present is what a walk saw of the youngest file.
type present struct {
	// live says that a file has the live name.
	live bool
	// sizeBytes is the length of the youngest file before the walk.
	sizeBytes int64
}

// catchUp opens the files that have come after the youngest known one, and adds them in
// their order.
func (r *Reader) catchUp() (present, error) {
	for range walkAttempts {
		r.mu.Lock()
		known := *r.links[len(r.links)-1] // a copy: the reader has the link
		r.mu.Unlock()
		w := &walk{r: r, known: &known, seen: map[uint64]bool{}}
		if _, err := known.refresh(); err != nil {
			return present{}, err
		}
		sizeBytes := known.size
		if err := w.run(); err != nil {
			if r.series.dir.Removed() {
				return present{}, nil
			}
			return present{}, err
		}
		if w.clean {
			r.append(w.fresh)
			return present{w.live != 0, sizeBytes}, nil
		}
	}
	return present{live: true}, nil
}

// append adds what a walk found, the youngest of it first. Of more than maxHeld files
// those are not held that are neither next nor the youngest.
func (r *Reader) append(fresh []*link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range slices.Backward(fresh) {
		delete(r.secured, l.inode)
		if last := r.links[len(r.links)-1]; r.held >= maxHeld && len(r.links) > 1 {
			last.release()
			r.held--
		}
		r.links = append(r.links, l)
		r.held++
	}
	for inode, l := range r.secured {
		l.release()
		delete(r.secured, inode)
	}
}

// walk goes from the live file back to the youngest known one and opens what is in
// between. Files only ever move on to where the walk is still to come, so it misses
// none; whether it saw them in their order, the live file's inode tells.
type walk struct {
	r     *Reader
	known *link

	live  uint64  // inode of the live file when the walk began; 0 where there was none
	fresh []*link // the youngest first
	older int     // files in a row that seem to be older than the known one
	found bool    // the known file was reached
	seen  map[uint64]bool
	clean bool
}

func (w *walk) run() error {
	s := w.r.series
	w.clean = true
	again, err := w.visit(s.live, true, false)
	if err != nil {
		return err
	}
	if again {
		again, err = w.visit(seriesname.Taken(s.live), false, false)
	}
	if again && err == nil {
		if s.names.Dated() {
			err = w.dated()
		} else {
			err = s.climb(w.visitBoth)
		}
	}
	if err != nil {
		return err
	}
	now, err := inodeOf(s.dir, s.live)
	w.clean = w.clean && now == w.live
	w.cut()
	return err
}

// dated goes back the dates.
func (w *walk) dated() error {
	listing, err := w.r.series.list()
	if err != nil {
		return err
	}
	for _, file := range slices.Backward(listing.Files) {
		if file.Live || file.Taken {
			continue
		}
		again, _, err := w.visitBoth(file.Place.Plain)
		if err != nil || !again {
			return err
		}
	}
	return nil
}

// visitBoth visits a file under its plain name and, where that is not there, under the
// compressed one, which is there before the plain one goes.
func (w *walk) visitBoth(plain string) (again, found bool, err error) {
	s := w.r.series
	seen := len(w.seen)
	again, err = w.visit(plain, false, false)
	if packed := s.names.Compressed(plain); again && err == nil && len(w.seen) == seen && packed != plain {
		again, err = w.visit(packed, false, true)
	}
	return again, len(w.seen) > seen, err
}

// visit opens one name. It reports false when the youngest known file is reached.
func (w *walk) visit(name string, live, compressed bool) (again bool, err error) {
	f, info, err := w.r.series.open(name, live)
	if notThere(err) {
		return true, nil
	}
	if errors.Is(err, fs.ErrPermission) && !live {
		return true, nil // said when it is its turn, if the logger has put it there
	}
	if err != nil {
		return false, err
	}
	if live {
		w.live = info.Inode
	}
	if w.seen[info.Inode] {
		w.clean = false // it was moved on since
		_ = f.Close()
		return true, nil
	}
	w.seen[info.Inode] = true
	return w.sort(f, info, live, compressed), nil
}

// sort finds out where an open file belongs, and takes it.
func (w *walk) sort(f *os.File, info sandbox.Info, live, compressed bool) (again bool) {
	if info.Inode == w.known.inode || compressed && packedFrom(f, info, w.known) {
		_ = f.Close()
		w.found = true
		return false
	}
	l := w.secure(f, info, live, compressed)
	if slices.Contains(w.fresh, l) {
		w.clean = false // it was compressed and moved on since
		return true
	}
	w.fresh = append(w.fresh, l)
	if live || !info.ModTime.Before(w.known.modTime) {
		w.older = 0
		return true
	}
	w.older++
	return w.older < maxOlder
}

// cut leaves out what is older than the known file where that has left the series: the
// retention takes the oldest first, so the task must have taken it.
func (w *walk) cut() {
	if w.found {
		return
	}
	at := slices.IndexFunc(w.fresh, func(l *link) bool { return !l.live && l.modTime.Before(w.known.modTime) })
	if at >= 0 {
		w.fresh = w.fresh[:at]
	}
}

// secure keeps a file open beyond this walk. If it is open already, as what it was before its
// compression, that stays.
func (w *walk) secure(f *os.File, info sandbox.Info, live, compressed bool) *link {
	r := w.r
	for inode, held := range r.secured {
		if inode == info.Inode || compressed && !held.compressed && packedFrom(f, info, held) {
			_ = f.Close()
			if inode == info.Inode {
				held.name, held.live = info.Name, live
			}
			return held
		}
	}
	l := linkOf(f, info, live, compressed)
	r.secured[info.Inode] = l
	return l
}
