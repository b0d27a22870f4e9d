package series

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sluice/core/rotation"
	"sluice/core/sandbox"
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
	Place rotation.Place
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
	// settled says that no rotation went on meanwhile: what is not there is gone.
	settled bool
}

// Look lists the series. While rotations go on it looks again until it has seen the
// series between two of them, as often as lookAttempts; then it makes do with what it
// saw. It may block for as long as the file system does.
func (s *Series) Look() (Listing, error) {
	var seen Listing
	for range lookAttempts {
		before, err := s.front()
		if err != nil {
			return Listing{}, err
		}
		if seen, err = s.list(); err != nil {
			return Listing{}, err
		}
		after, err := s.front()
		if err != nil {
			return Listing{}, err
		}
		if before == after && before.taken == 0 {
			seen.settled = true
			break
		}
	}
	seen.once()
	return seen, nil
}

// front tells one moment between two rotations from another: a rotation takes the live
// file's name away from its inode before it is over, and whoever has the old
// inode again cannot have it while the series still does.
type front struct{ live, taken uint64 }

func (s *Series) front() (front, error) {
	live, err := inodeOf(s.dir, s.live)
	if err != nil {
		return front{}, err
	}
	dir, err := s.rotated()
	if err != nil || dir == nil {
		return front{live: live}, err
	}
	taken, err := inodeOf(dir, rotation.TakenName(s.live))
	return front{live, taken}, err
}

// inodeOf is 0 where nothing has the name.
func inodeOf(dir *sandbox.Dir, name string) (uint64, error) {
	info, err := dir.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	return info.Inode, err
}

// list lists what is there.
func (s *Series) list() (Listing, error) {
	dir, err := s.rotated()
	if err != nil {
		return Listing{}, err
	}
	var l Listing
	if dir != nil {
		found, err := s.readTwice(dir)
		if err != nil {
			return Listing{}, fmt.Errorf("list the files of %q: %w", s.live, err)
		}
		for _, info := range found {
			s.sortIn(&l, info, found)
		}
	}
	slices.SortFunc(l.Files, compareFiles)
	slices.SortFunc(l.Impostors, func(a, b sandbox.Info) int { return cmp.Compare(a.Name, b.Name) })
	live, err := s.dir.Stat(s.live)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return Listing{}, err
	case live.Ours():
		l.Files = append(l.Files, File{Info: live, Live: true})
	default:
		l.Impostors = append(l.Impostors, live)
	}
	return l, nil
}

// readTwice reads the directory. A compression that ends meanwhile may hide both of its
// files from one reading, but not from two: of the first one, the plain file is kept
// where it still is or its compressed form has taken its place.
func (s *Series) readTwice(dir *sandbox.Dir) (map[string]sandbox.Info, error) {
	first, err := dir.List(maxNames, s.ours)
	if err != nil {
		return nil, err
	}
	second, err := dir.List(maxNames, s.ours)
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

// ours accepts the names of the rotated files.
func (s *Series) ours(untrusted string) bool {
	if untrusted == s.live {
		return false
	}
	if _, ok := s.names.Place(untrusted); ok {
		return true
	}
	return untrusted == rotation.TakenName(s.live)
}

// sortIn puts a name into the listing, unless it is the compressed one of two for the
// same file.
func (s *Series) sortIn(l *Listing, info sandbox.Info, found map[string]sandbox.Info) {
	if !info.Ours() {
		l.Impostors = append(l.Impostors, info)
		return
	}
	place, ok := s.names.Place(info.Name)
	if !ok {
		l.Files = append(l.Files, File{Info: info, Taken: true})
		return
	}
	if plain, both := found[place.Plain()]; place.Compressed() && both && sameFile(plain, info) {
		return
	}
	l.Files = append(l.Files, File{Info: info, Compressed: place.Compressed(), Place: place})
}

// sameFile says that the second of two files in one place is the compressed form of
// the first: it gets the time of the plain file before it gets its name. A plain file
// from before a policy that compresses, which can have the same place, has another time.
func sameFile(plain, packed sandbox.Info) bool {
	return plain.Ours() && plain.ModTime.Equal(packed.ModTime)
}

// compareFiles orders rotated files from the oldest to the youngest.
func compareFiles(a, b File) int {
	switch {
	case a.Taken != b.Taken:
		if a.Taken {
			return 1
		}
		return -1
	case a.Place.Before(b.Place):
		return -1
	case b.Place.Before(a.Place):
		return 1
	}
	return cmp.Compare(a.Name, b.Name)
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
