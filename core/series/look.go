package series

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"sluice/core/sandbox"
	"sluice/core/seriesname"
)

const (
	// maxNames of a directory are looked at in one listing.
	maxNames = 1 << 20
	// lookAttempts is how often a listing is repeated when a rotation goes on meanwhile.
	lookAttempts = 64
)

// File is a file of the series as a listing has it.
type File struct {
	sandbox.Info
	// Live says that it is the one that is written to; it is the last of a listing.
	Live bool
	// Compressed says that the name has the compressor's ending.
	Compressed bool
	// Place is that of a rotated file; Taken says that a rotation that is under way, or was
	// broken off, has given it none yet.
	Place seriesname.Place
	Taken bool
}

// Listing is a series at one moment.
type Listing struct {
	// Files are the files from the oldest to the youngest. A file whose compression is
	// under way is there once, as the plain file.
	Files []File
	// Impostors are the names of the series that no file of the logger's bears: links,
	// directories, FIFOs, files with several names.
	Impostors []sandbox.Info
	// sure says that no file is missing that was there when the listing began, but by the
	// retention, and that there is none that came later. Else there may be younger ones,
	// without others between them.
	sure bool
	// settled says that no rotation went on meanwhile: what is not there is gone.
	settled bool
}

// Look lists the series. While rotations go on it looks again until it has seen the
// series between two of them, as often as lookAttempts; then it makes do with what it
// saw. It may block for as long as the file system does.
func (s *Series) Look() (Listing, error) {
	return s.lookAnd(func(Listing) (bool, error) { return true, nil })
}

// lookAnd is Look for somebody who has to do something before the next rotation: do is
// called for each listing, and reports whether it could. The last call counts.
func (s *Series) lookAnd(do func(Listing) (bool, error)) (seen Listing, err error) {
	err = s.attempt(func(m *moment) (bool, error) {
		if seen, err = m.list(); err != nil {
			return false, err
		}
		done, err := do(seen)
		if err == nil && done && seen.sure {
			seen.settled, err = m.lasts()
		}
		return seen.settled, err
	})
	return seen, err
}

// inodeOf is 0 where nothing has the name.
func inodeOf(dir *sandbox.Dir, name string) (uint64, error) {
	info, err := dir.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	return info.Inode, err
}

// list lists what there was when it began, without what the retention has taken meanwhile.
func (s *Series) list() (l Listing, err error) {
	err = s.attempt(func(m *moment) (bool, error) {
		l, err = m.list()
		return l.sure, err
	})
	return l, err
}

// list looks at the rotated files after the live one, which moves to where the rest is
// still to come.
func (m *moment) list() (l Listing, err error) {
	s := m.s
	found, err := s.listRotated()
	if err != nil {
		return Listing{}, fmt.Errorf("list the files of %q: %w", s.live, err)
	}
	for _, info := range found {
		s.sortIn(&l, info, found)
	}
	s.sort(l.Files)
	slices.SortFunc(l.Impostors, func(a, b sandbox.Info) int { return cmp.Compare(a.Name, b.Name) })
	if m.present() && !m.live.Ours() {
		l.Impostors = append(l.Impostors, m.live)
	}
	rotated := m.present() && m.live.Ours() && l.end(File{Info: m.live, Live: true})
	l.once()
	if rotated {
		l.sure = true
		return l, nil
	}
	l.sure, err = m.goesOn(found)
	return l, err
}

// end puts the live file at the end. If it was rotated meanwhile, what stands behind it
// has come since.
func (l *Listing) end(live File) (rotated bool) {
	at := slices.IndexFunc(l.Files, func(file File) bool { return file.Inode == live.Inode })
	if at >= 0 {
		l.Files = l.Files[:at]
	}
	l.Files = append(l.Files, live)
	return at >= 0
}

// listRotated lists what has the names of rotated files.
func (s *Series) listRotated() (map[string]sandbox.Info, error) {
	dir, err := s.rotated()
	if err != nil || dir == nil {
		return nil, err
	}
	if s.names.Dated() {
		return s.readTwice(dir)
	}
	return s.lookUp(dir)
}

// readTwice reads a directory of dated files. A compression that ends meanwhile may hide
// both of its files from one reading, but not from two: of the first one, the plain file
// is kept where it still is or its compressed form has taken its place.
func (s *Series) readTwice(dir *sandbox.Dir) (map[string]sandbox.Info, error) {
	first, err := s.listDated(dir)
	if err != nil {
		return nil, err
	}
	second, err := s.listDated(dir)
	if err != nil {
		return nil, err
	}
	found := make(map[string]sandbox.Info, len(second))
	for _, info := range second {
		found[info.Name] = info
	}
	for _, info := range first {
		if _, again := found[info.Name]; again {
			continue
		}
		for _, name := range []string{s.names.Compressed(info.Name), info.Name} {
			if later, err := dir.Stat(name); err == nil && s.ours(name) {
				found[name] = later
				break
			}
		}
	}
	return found, nil
}

// listDated looks at the dated files, of more than the policy can have at the youngest.
func (s *Series) listDated(dir *sandbox.Dir) ([]sandbox.Info, error) {
	names, err := s.youngest(dir)
	if err != nil {
		return nil, fmt.Errorf("list the dated files of %q: %w", s.live, err)
	}
	found := map[string]sandbox.Info{}
	for _, name := range append(names, seriesname.Taken(s.live)) {
		if err := meet(dir, name, found); err != nil {
			return nil, err
		}
	}
	return slices.Collect(maps.Values(found)), nil
}

// youngest gives the names in a directory that are of a dated series, of plain files,
// compressed ones and directories the youngest, so many of each as most says. The names are
// untrusted.
func (s *Series) youngest(dir *sandbox.Dir) (names []string, err error) {
	var plain, packed, others seriesname.Youngest
	most := s.most()
	_, err = dir.Walk(maxNames, func(name string, directory bool) error {
		at, ours := s.names.Place(name)
		switch {
		case !ours:
		case directory:
			others.Keep(name, at, most)
		case at.Compressed:
			packed.Keep(name, at, most)
		default:
			plain.Keep(name, at, most)
		}
		return nil
	})
	for _, some := range []seriesname.Youngest{plain, packed, others} {
		_ = some.Each(func(name string) error { names = append(names, name); return nil })
	}
	return names, err
}

// most is how many rotated files are looked at; 0 is all.
func (s *Series) most() int {
	if s.Guessed != "" {
		return 0
	}
	return seriesname.Most(s.policy.Rotate)
}

// ours accepts the names of the rotated files.
func (s *Series) ours(untrusted string) bool {
	if untrusted == s.live {
		return false
	}
	if _, ok := s.names.Place(untrusted); ok {
		return true
	}
	return untrusted == seriesname.Taken(s.live)
}

// sortIn puts a name into the listing, unless it is the compressed one of two for the
// same file.
func (s *Series) sortIn(l *Listing, info sandbox.Info, found map[string]sandbox.Info) {
	if unlinked(info) {
		return
	}
	if !info.Ours() {
		l.Impostors = append(l.Impostors, info)
		return
	}
	place, ok := s.names.Place(info.Name)
	if !ok {
		l.Files = append(l.Files, File{Info: info, Taken: true})
		return
	}
	if plain, both := found[place.Plain]; place.Compressed && both && sameFile(plain, info) {
		return
	}
	l.Files = append(l.Files, File{Info: info, Compressed: place.Compressed, Place: place})
}

// unlinked says that a file lost its last name while it was looked at.
func unlinked(info sandbox.Info) bool { return info.Links == 0 }

// sameFile says that the second of two files in one place is the compressed form of
// the first: it gets the time of the plain file before it gets its name. A plain file
// from before a policy that compresses, which can have the same place, has another time.
func sameFile(plain, packed sandbox.Info) bool {
	return plain.Ours() && plain.ModTime.Equal(packed.ModTime)
}

// sort orders rotated files from the oldest to the youngest.
func (s *Series) sort(files []File) {
	slices.SortFunc(files, func(a, b File) int {
		switch {
		case a.Taken == b.Taken:
			return cmp.Compare(a.Name, b.Name)
		case a.Taken:
			return 1
		}
		return -1
	})
	placed := slices.IndexFunc(files, func(f File) bool { return f.Taken })
	if placed < 0 {
		placed = len(files)
	}
	seriesname.SortByAge(s.names, files[:placed], func(f File) (seriesname.Place, time.Time) { return f.Place, f.ModTime }, time.Now())
}

// once keeps the youngest place of a file that a rotation moved on while it was listed.
func (l *Listing) once() {
	seen := map[uint64]bool{}
	kept := l.Files[:0:0]
	for _, file := range slices.Backward(l.Files) {
		if !seen[file.Inode] {
			seen[file.Inode] = true
			kept = append(kept, file)
		}
	}
	slices.Reverse(kept)
	l.Files = kept
}
