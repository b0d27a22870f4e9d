package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sluice/core/rotation"
)

// walkAttempts is how often a walk is repeated because of rotations meanwhile.
const walkAttempts = 64

// walk goes from the live file back to the one that is known, and gives what is younger,
// the oldest first. found is the known one, nil where it is not there, or not known.
// As rotations move files on to where the walk is still to come it misses none; if one
// goes on meanwhile the walk is repeated.
func (s *Series) walk(ctx context.Context, known *anchor) (fresh []*piece, found *piece, err error) {
	var last *walk
	for range walkAttempts {
		w := &walk{ctx: ctx, s: s, known: known, clean: true}
		err := w.run()
		if errors.Is(err, errMoved) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if w.clean && (w.proved || w.agrees(last)) {
			slices.Reverse(w.fresh)
			return w.fresh, w.found, nil
		}
		last = w
	}
	return nil, nil, fmt.Errorf("%q at agent %s is rotated faster than it can be looked at from here", s.live, s.agent.where)
}

type walk struct {
	ctx   context.Context
	s     *Series
	known *anchor
	fresh []*piece // the youngest first
	found *piece
	// clean says that no rotation was seen meanwhile, and proved that there was none: an
	// empty live file is like the next one, and a walk that met it needs another to agree.
	clean, proved bool
}

func (w *walk) run() error {
	before, err := w.s.look(w.ctx, w.s.live, true, false)
	if err != nil {
		return err
	}
	if more, err := w.take(before); err != nil || !more {
		w.proved = true
		return err
	}
	taken, err := w.s.look(w.ctx, rotation.TakenName(w.s.live), false, false)
	if err != nil {
		return err
	}
	if more, err := w.take(taken); err != nil || !more {
		return err
	}
	if err := w.rotated(); err != nil {
		return err
	}
	after, err := w.s.look(w.ctx, w.s.live, true, false)
	w.clean = w.clean && alike(before, after)
	w.proved = before != nil
	return err
}

// agrees says that another walk saw the same files in the same places.
func (w *walk) agrees(other *walk) bool {
	return other != nil && other.clean && (w.found == nil) == (other.found == nil) &&
		slices.EqualFunc(w.fresh, other.fresh, func(now, then *piece) bool { return alike(then, now) })
}

// alike says that the live file is still the same: it may have grown.
func alike(before, after *piece) bool {
	if before == nil || after == nil {
		return before == nil && after == nil
	}
	return bytes.HasPrefix(after.raw, before.raw)
}

// rotated goes back the rotated files, each under its plain name or, where that is not
// there, under the compressed one.
func (w *walk) rotated() error {
	places, listed, err := w.s.rotated(w.ctx)
	if err != nil {
		return err
	}
	for _, place := range slices.Backward(places) {
		packed := w.s.names.Compressed(place.Plain())
		var p *piece
		if _, plain := listed[place.Plain()]; plain || packed == place.Plain() {
			if p, err = w.s.look(w.ctx, place.Plain(), false, false); err != nil {
				return err
			}
		}
		if p == nil && packed != place.Plain() {
			if p, err = w.s.look(w.ctx, packed, false, true); err != nil {
				return err
			}
		}
		if p != nil {
			p.seconds = listed[p.name].seconds
		}
		if more, err := w.take(p); err != nil || !more {
			return err
		}
	}
	return nil
}

// take reports false when the known file is reached.
func (w *walk) take(p *piece) (more bool, err error) {
	if p == nil {
		return true, nil
	}
	if w.known != nil {
		is, err := w.known.is(w.ctx, p)
		if err != nil {
			return false, err
		}
		if is {
			w.found = p
			return false, nil
		}
	}
	w.fresh = append(w.fresh, p)
	return true, nil
}
