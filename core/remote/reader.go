package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"sluice/core/series"
	"time"
)

const (
	// soonPause and idlePause are between two looks at a log that goes on, and at one that
	// has been quiet for a while.
	soonPause = 50 * time.Millisecond
	idlePause = time.Second
)

// Reader reads a series once. It is used by one goroutine.
type Reader struct {
	// Notice is told what is missing in the output; nil is silent.
	Notice func(message string)
	// Progress, if set, is told now and then which file is read.
	Progress func(series.Progress)

	s      *Series
	known  *anchor // where the output is; nil before anything is known
	failed bool
	done   series.Progress
	// end is where somebody who does not follow stops; nil is where there is no more.
	end *anchor
}

// Read starts reading at the beginning of the oldest file. It fails with fs.ErrNotExist
// where there is no file at all.
func (s *Series) Read(ctx context.Context) (*Reader, error) {
	files, err := s.agent.list(ctx, s.dir)
	if err != nil {
		return nil, err
	}
	places, _, err := s.rotated(ctx)
	if err != nil {
		return nil, err
	}
	exists := len(places) > 0
	for _, f := range files {
		exists = exists || f.name == s.live && f.regular
	}
	if !exists {
		return nil, fmt.Errorf("agent %s: there is no %q in %q, nor any rotated file of it: %w", s.agent.where, s.live, s.dir, fs.ErrNotExist)
	}
	r := &Reader{s: s}
	r.done.Files = len(places) + 1
	live, err := s.look(ctx, s.live, true, false)
	if err == nil && live != nil {
		r.end = &anchor{head: live.head, offset: live.size}
	}
	return r, err
}

// Copy writes the series to w, up to the end that it had when reading began. It fails
// with series.ErrIncomplete if something could not be read.
func (r *Reader) Copy(ctx context.Context, w io.Writer) error {
	for {
		err := r.pass(ctx, w)
		if errors.Is(err, errMoved) {
			continue
		}
		if err == nil || errors.Is(err, errEnd) {
			return r.verdict()
		}
		return err
	}
}

// Follow writes the series to w and goes on with what comes, until ended says that
// nothing will come any more; nil never does. An agent that does not answer is asked
// again, until ctx ends.
func (r *Reader) Follow(ctx context.Context, w io.Writer, ended func(context.Context) (bool, error)) error {
	r.end = nil
	pause, ending, silent := soonPause, false, false
	for {
		before := r.done.WrittenBytes
		err := r.pass(ctx, w)
		over := false
		if err == nil && !ending && ended != nil {
			over, err = ended(ctx)
		}
		switch {
		case errors.Is(err, errMoved):
			continue
		case unreachable(ctx, err):
			if !silent {
				r.tell("%v; it is asked again", err)
			}
			silent = true
			pause = idlePause
		case err != nil:
			return err
		case ending:
			return r.verdict()
		default:
			// One more look, after a pause: what was in the pipe may be on its way.
			silent, ending = false, over
		}
		if pause = min(2*pause, idlePause); r.done.WrittenBytes > before {
			pause = soonPause
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// unreachable says that an agent could not be asked: it may come back.
func unreachable(ctx context.Context, err error) bool {
	var network *url.Error
	return err != nil && ctx.Err() == nil && errors.As(err, &network)
}

// errEnd says that the end is reached that the log had at the beginning.
var errEnd = errors.New("the end is reached")

// pass writes what there is now. It gives errMoved where a rotation came in
// between: then another pass goes on where this one is.
func (r *Reader) pass(ctx context.Context, w io.Writer) error {
	fresh, found, err := r.s.walk(ctx, r.known)
	if err != nil {
		return err
	}
	skip := int64(0)
	switch {
	case found != nil:
		if err := r.give(ctx, w, found); err != nil {
			return err
		}
		if !found.compressed {
			skip = max(0, r.known.offset-found.size)
		}
	case r.known != nil && len(fresh) > 0:
		r.complain("what followed here was removed before it could be read; nobody knows how much it was")
	}
	for _, p := range fresh {
		r.known = &anchor{head: p.head, offset: skip}
		skip = 0
		if err := r.give(ctx, w, p); err != nil {
			return err
		}
		r.done.File++
	}
	return nil
}

// give writes a piece from the known position on, as far as it goes.
func (r *Reader) give(ctx context.Context, w io.Writer, p *piece) error {
	content, err := p.content(ctx, r.known.offset)
	if err == nil {
		defer content.Close()
		err = r.copy(ctx, w, content, p)
	}
	if errors.Is(err, series.ErrDamaged) || errors.Is(err, series.ErrMethod) {
		r.complain("%s cannot be read beyond its byte %d: %v", p.name, r.known.offset, err)
		return nil
	}
	return err
}

func (r *Reader) copy(ctx context.Context, w io.Writer, content io.Reader, p *piece) error {
	buffer := make([]byte, batchBytes)
	for {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		n, err := content.Read(buffer)
		if n > 0 {
			if _, err := w.Write(buffer[:n]); err != nil {
				return err
			}
			r.known.advance(buffer[:n])
			r.progress(p, n)
		}
		if r.atEnd() {
			return errEnd
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// atEnd says that the file that was the live one is read as far as it went.
func (r *Reader) atEnd() bool {
	return r.end != nil && r.known.offset >= r.end.offset && bytes.HasPrefix(r.known.head, r.end.head)
}

func (r *Reader) progress(p *piece, n int) {
	r.done.WrittenBytes += int64(n)
	if r.Progress != nil {
		r.done.Name = p.name
		now := r.done
		now.File++
		r.Progress(now)
	}
}

func (r *Reader) verdict() error {
	if r.failed {
		return series.ErrIncomplete
	}
	return nil
}

func (r *Reader) complain(format string, args ...any) {
	r.failed = true
	r.tell(format, args...)
}

func (r *Reader) tell(format string, args ...any) {
	if r.Notice != nil {
		r.Notice(fmt.Sprintf(format, args...))
	}
}
