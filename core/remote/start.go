package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sluice/core/series"
	"time"
)

// Last starts reading so that `lines` lines follow up to the end, as series.Reader does.
func (r *Reader) Last(ctx context.Context, lines int64) error {
	for {
		err := r.last(ctx, lines)
		if !errors.Is(err, errMoved) {
			return err
		}
	}
}

func (r *Reader) last(ctx context.Context, lines int64) error {
	all, err := r.pieces(ctx)
	if err != nil {
		return err
	}
	last := true
	for i := len(all) - 1; i >= 0; i-- {
		p := all[i]
		offset, left, err := p.lastLines(ctx, lines, last)
		if errors.Is(err, series.ErrDamaged) || errors.Is(err, series.ErrMethod) {
			r.complain("%s cannot be read: %v; what follows it is shown", p.name, err)
			if i+1 < len(all) {
				return r.startAt(ctx, all[i+1], 0)
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("look for the last lines in %q: %w", p.name, err)
		}
		if left == 0 {
			return r.startAt(ctx, p, offset)
		}
		lines, last = left, false
	}
	return nil
}

// pieces are those from where the reading starts now.
func (r *Reader) pieces(ctx context.Context) ([]*piece, error) {
	fresh, found, err := r.s.walk(ctx, r.known)
	if found != nil {
		fresh = append([]*piece{found}, fresh...)
	}
	return fresh, err
}

// maxExpandedBytes of a compressed file are held at once to look for its last lines.
const maxExpandedBytes = 256 << 20

// lastLines is series.LastLines for a piece; what is not plain is read as a whole.
func (p *piece) lastLines(ctx context.Context, lines int64, last bool) (offset, left int64, err error) {
	if lines <= 0 && !p.compressed {
		return p.size, 0, nil
	}
	if !p.compressed {
		return series.LastLines(source{ctx, p}, p.size, lines, last)
	}
	content, err := p.content(ctx, 0)
	if err != nil {
		return 0, 0, err
	}
	defer content.Close()
	whole, err := io.ReadAll(io.LimitReader(content, maxExpandedBytes+1))
	if err == nil && len(whole) > maxExpandedBytes {
		err = fmt.Errorf("it expands to more than %d bytes; read the log without --lines", maxExpandedBytes)
	}
	if err != nil {
		return 0, 0, err
	}
	if lines <= 0 {
		return int64(len(whole)), 0, nil
	}
	return series.LastLines(bytes.NewReader(whole), int64(len(whole)), lines, last)
}

// startAt makes a position the known one.
func (r *Reader) startAt(ctx context.Context, p *piece, offset int64) error {
	r.known = &anchor{head: p.head, offset: offset}
	if p.compressed || offset == 0 {
		return nil
	}
	begin := max(0, offset-tailBytes)
	tail := make([]byte, offset-begin)
	n, err := source{ctx, p}.ReadAt(tail, begin)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	r.known.tail = tail[:n]
	return nil
}

// Since leaves out the files that were written to last before t, by the agent's clock
// and in whole seconds.
func (r *Reader) Since(ctx context.Context, t time.Time) error {
	all, err := r.pieces(ctx)
	if err != nil {
		return err
	}
	listed, err := r.s.agent.list(ctx, r.s.dir)
	if err != nil {
		return err
	}
	for i, p := range all {
		for _, f := range listed {
			if p.live && f.name == p.name {
				p.seconds = f.seconds
			}
		}
		if p.seconds >= t.Unix() {
			return r.startAt(ctx, p, 0)
		}
		if i == len(all)-1 {
			return r.startAt(ctx, p, p.size)
		}
	}
	return nil
}
