package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

const (
	// steadyAttempts is how often something is done again because of rotations meanwhile, and
	// steadyTime how long.
	steadyAttempts = 256
	steadyTime     = time.Minute
	// unclearAttempts is how often a listing that nothing explains is made again: it may have
	// been made within a rotation.
	unclearAttempts = 8
)

// errMoved says that a name belonged to another file, or to none.
var errMoved = errors.New("the file has another name by now")

// errUnclear says that no rotations lead from one snapshot to another.
var errUnclear = errors.New("the files of the log have changed as no rotation changes them")

// found is a file of a snapshot; none (file is nil) is an empty live file that is not there.
type found struct {
	*file
	live, compressed bool
}

// numbered gives the file of a number in a snapshot whose live file has the number live.
// gone says that it is older than all that are there.
func (n *snapshot) numbered(number, live int64) (f found, gone bool) {
	switch at := live - 1 - number; {
	case at < 0:
		return found{file: n.live, live: true}, false
	case at >= int64(len(n.rotated)):
		return found{}, true
	default:
		f := &n.rotated[at]
		return found{file: &f.file, compressed: f.compressed}, false
	}
}

// steady does something with the names of a snapshot until the series was seen to be the same before
// and after it, without a rotation in between. What was done before does not count.
func (r *Reader) steady(ctx context.Context, do func(n *snapshot, live int64) error) error {
	n, live := r.now, r.live
	begun := time.Now()
	unclear := 0
	for attempt := 0; attempt < steadyAttempts && time.Since(begun) < steadyTime; attempt++ {
		failed := do(n, live)
		if failed != nil && !errors.Is(failed, errMoved) && !errors.Is(failed, fs.ErrNotExist) {
			return failed
		}
		later, err := r.s.snapshot(ctx)
		if err != nil {
			return err
		}
		later.after(r.now)
		agrees := n.agrees(later)
		from, base := r.now, r.live
		if agrees {
			from, base = n, live
		}
		moved, err := r.rotations(ctx, from, base, later)
		switch {
		case errors.Is(err, errUnclear):
			if unclear++; unclear < unclearAttempts {
				if err := pause(ctx, soonPause); err != nil {
					return err
				}
				continue
			}
			if err := r.changed(ctx, later); err != nil {
				return err
			}
			n, live, unclear = r.now, r.live, 0
			continue
		case err != nil:
			return err
		case agrees && moved == 0 && failed == nil:
			r.now, r.live = later, base
			r.alike = !later.shiftTo(later, r.s.rule).certain()
			return nil
		}
		n, live = later, base+moved
	}
	return fmt.Errorf("%q at agent %s is rotated faster than it can be looked at from here", r.s.live, r.s.agent.where)
}

// rotations tells how many lie between two snapshots, the live file having the number live in
// the first. Where the files alone do not tell, what was read of one decides; where
// that does not either, it is said.
func (r *Reader) rotations(ctx context.Context, from *snapshot, live int64, later *snapshot) (int64, error) {
	s := from.shiftTo(later, r.s.rule)
	switch {
	case s.certain():
		return int64(s.rotations[0]), nil
	case s.none():
		return 0, errUnclear
	}
	matching, without, err := r.explained(ctx, s, live, later)
	switch possible := len(matching) + len(without); {
	case err != nil:
		return 0, err
	case len(matching) == 1 && (r.read.telling() || possible == 1 && !s.replaced):
		return int64(matching[0]), nil
	case possible == 0 && s.replaced:
		return int64(len(later.rotated)) + 1, nil
	case possible == 0:
		return 0, errUnclear
	case len(matching) == 0 && possible == 1 && !s.replaced:
		return int64(without[0]), nil
	}
	matching = append(matching, without...)
	if _, gone := from.numbered(r.at.file, live); gone || !r.begun {
		return int64(matching[0]), nil // what is missing is said, or would come before the beginning
	}
	if !r.doubted {
		r.doubted = true
		r.complain("files that hold the same were rotated so fast that nobody can tell how many; some may be missing here")
	}
	return int64(matching[0]), nil
}

// explained holds the numbers of rotations that explain a snapshot against what was read: it is
// there after those in matching, and its file was removed after those in without.
func (r *Reader) explained(ctx context.Context, s shift, live int64, later *snapshot) (matching, without []int, err error) {
	for _, k := range s.rotations {
		f, gone := later.numbered(r.read.file, live+int64(k))
		if gone {
			without = append(without, k)
			continue
		}
		matches, err := r.read.matches(ctx, r.s, f)
		if err != nil {
			return nil, nil, err
		}
		if matches {
			matching = append(matching, k)
		}
	}
	return matching, without, nil
}

// changed finds the place in a series that somebody else has changed: the live file was cut, or files
// were removed, put there or written to.
func (r *Reader) changed(ctx context.Context, later *snapshot) error {
	if later.live != nil && r.at.file == r.live && later.live.size < r.at.offset && sameRotated(r.now, later) {
		cut := *r.read
		cut.offset = later.live.size
		if missing := r.read.offset - cut.offset; missing < int64(len(cut.recent)) {
			cut.recent = cut.recent[:int64(len(cut.recent))-missing]
		} else {
			cut.recent = nil
		}
		matches, err := cut.matches(ctx, r.s, found{file: later.live, live: true})
		if err != nil {
			return err
		}
		if len(cut.recent) == 0 || !matches {
			r.tell("%s was truncated by somebody else; it is read from its beginning", r.s.live)
			cut = evidence{file: r.live}
		}
		r.now, r.read, r.at.offset = later, &cut, cut.offset
		return nil
	}
	for at := -1; at < len(later.rotated); at++ {
		live := r.read.file + 1 + int64(at)
		f, _ := later.numbered(r.read.file, live)
		matches, err := r.read.matches(ctx, r.s, f)
		if err != nil {
			return err
		}
		if matches && r.read.telling() {
			r.now, r.live = later, live
			return nil
		}
	}
	// What is there of the files that were read is not read again.
	fresh := len(later.rotated)
	for at := range later.rotated {
		for number := r.live - 1 - r.at.file; number < int64(len(r.now.rotated)); number++ {
			if number >= 0 && later.rotated[at].canBe(r.now.rotated[number], true) {
				fresh = min(fresh, at)
			}
		}
	}
	r.complain("somebody else has changed the files of the log; what is missing here, nobody knows")
	r.now, r.live = later, r.at.file+1+int64(fresh)
	r.begin(r.at.file + 1)
	return nil
}

// sameRotated says that two snapshots have the same rotated files.
func sameRotated(n, later *snapshot) bool {
	return (&snapshot{rotated: n.rotated}).agrees(&snapshot{rotated: later.rotated})
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
