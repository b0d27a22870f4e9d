package series

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// copyBytes are read at a time.
const copyBytes = 256 << 10

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
		if err := r.take(l, r.find); err != nil && i == 0 {
			return err
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
	if r.endBytes >= 0 && len(r.links) == 1 {
		left := r.endBytes - r.offset
		if left <= 0 {
			return 0, io.EOF
		}
		buffer = buffer[:min(int64(len(buffer)), left)]
	}
	n, err := r.content.Read(buffer)
	r.offset += int64(n)
	r.remember(buffer[:n])
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
	if r.times != nil {
		r.times.leave(r.current)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	first := r.links[0]
	skip := int64(0)
	if first.f != nil && !first.compressed {
		if _, err := first.refresh(); err == nil {
			skip = max(0, r.offset-first.size)
		}
	}
	r.letGo(first)
	r.links = r.links[1:]
	r.offset, r.unreadable, r.tail = skip, nil, r.tail[:0]
	r.done.File++
}

func (r *Reader) closeContent() {
	if r.content != nil {
		_ = r.content.Close()
		r.content = nil
	}
}
