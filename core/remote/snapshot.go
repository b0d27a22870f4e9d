package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"sluice/core/seriesname"
)

// A rotated file, as a listing has it. It does not change any more but for its number and,
// once, its form, which keeps the time of its last change.
type rotated struct {
	file
	plain      string // the name without the compressor's ending
	compressed bool
	taken      bool // a rotation that is under way has given it no place yet
}

// snapshot is a series in one listing.
type snapshot struct {
	rotated []rotated // the youngest first
	live    *file     // nil where there is none
	// second is one that the agent's clock had reached by then: no earlier than any file's
	// time, and as much later than that of an earlier snapshot as time has gone by here.
	second int64
	at     time.Time // by the clock of this machine
}

// snapshot lists the series once.
func (s *Series) snapshot(ctx context.Context) (*snapshot, error) {
	names := map[string]bool{s.live: true, seriesname.Taken(s.live): true}
	ours := func(untrusted string) bool {
		_, placed := s.names.Place(untrusted)
		return placed || names[untrusted]
	}
	n := &snapshot{at: time.Now()}
	files, err := s.agent.list(ctx, s.dir, ours)
	if err != nil {
		return nil, fmt.Errorf("look for the files of %q: %w", s.live, err)
	}
	for _, f := range files {
		if f.name == s.live && f.regular {
			n.live = &f
		}
	}
	if s.policy.OldDir != "" {
		if files, err = s.agent.list(ctx, path.Join(s.dir, s.policy.OldDir), ours); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("look for the rotated files of %q: %w", s.live, err)
		}
	}
	n.take(s, files)
	return n, nil
}

// take sorts the rotated files in.
func (n *snapshot) take(s *Series, files []file) {
	places := map[string]seriesname.Place{}
	plain := map[string]file{}
	for _, f := range files {
		if place, ours := s.names.Place(f.name); ours && f.regular && f.name != s.live {
			places[f.name] = place
			if !place.Compressed {
				plain[place.Plain] = f
			}
		}
	}
	for _, f := range files {
		place, placed := places[f.name]
		switch beside, both := plain[place.Plain]; {
		case !f.regular || f.name == s.live:
		case !placed:
			n.rotated = append(n.rotated, rotated{file: f, plain: f.name, taken: true})
		case place.Compressed && both && beside.seconds == f.seconds:
			// Its compression ends: both hold the same.
		default:
			n.rotated = append(n.rotated, rotated{file: f, plain: place.Plain, compressed: place.Compressed})
		}
	}
	slices.SortFunc(n.rotated, func(a, b rotated) int {
		switch {
		case a.taken == b.taken:
			return cmp.Compare(b.name, a.name)
		case a.taken:
			return 1
		}
		return -1
	})
	placed := slices.IndexFunc(n.rotated, func(r rotated) bool { return r.taken })
	if placed < 0 {
		placed = len(n.rotated)
	}
	seriesname.SortByAge(s.names, n.rotated[:placed], func(r rotated) (seriesname.Place, time.Time) {
		return places[r.name], time.Unix(r.seconds, 0)
	}, time.Now())
	slices.Reverse(n.rotated)
}

// youngest is the second of the youngest change.
func (n *snapshot) youngest() (second int64) {
	for _, f := range n.rotated {
		second = max(second, f.seconds)
	}
	if n.live != nil {
		second = max(second, n.live.seconds)
	}
	return second
}

// after tells a snapshot's second from what an earlier one knew.
func (n *snapshot) after(earlier *snapshot) {
	n.second = n.youngest()
	if earlier != nil {
		gone := int64(n.at.Sub(earlier.at) / time.Second)
		n.second = max(n.second, earlier.second+gone)
	}
}

// agrees says that another snapshot shows the same files under the same names; the live one
// may have grown.
func (n *snapshot) agrees(later *snapshot) bool {
	return slices.Equal(n.rotated, later.rotated) && grown(n.live, later.live) && (n.live == nil) == (later.live == nil)
}

// grown says that the live file can be the same one.
func grown(before, after *file) bool {
	if before == nil || after == nil {
		return before == nil || before.size == 0
	}
	return after.size >= before.size && after.seconds >= before.seconds
}
