package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sluice/core/series"
)

const (
	// headBytes at the beginning of a file are what it is known by.
	headBytes = 4 << 10
	// tailBytes before a position must be alike, too.
	tailBytes = 256
	// batchBytes are read before it is made sure that they are all of the same file.
	batchBytes = 1 << 20
)

// errMoved says that a name belongs to another file by now.
var errMoved = errors.New("the file has another name by now")

// piece is a file of the series under the name that it had when it was looked at.
type piece struct {
	s          *Series
	name       string
	live       bool
	compressed bool
	size       int64
	seconds    int64  // of its last change, where a walk has listed it
	raw        []byte // how the file begins
	head       []byte // how its content begins
}

// look reads how a file begins. What is empty, or not there, is nil.
func (s *Series) look(ctx context.Context, name string, live, compressed bool) (*piece, error) {
	most := headBytes
	if compressed {
		most = readBytes // which expand to as much
	}
	raw, size, err := s.agent.read(ctx, s.path(name, live), 0, most)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(raw) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p := &piece{s: s, name: name, live: live, compressed: compressed, size: size}
	p.raw = raw[:min(len(raw), headBytes)]
	if p.head = p.raw; compressed {
		p.head = expandedHead(raw)
	}
	return p, nil
}

// expandedHead is what the beginning of a compressed file expands to; of a damaged one,
// as much as there is.
func expandedHead(raw []byte) []byte {
	content, err := series.Expand(bytes.NewReader(raw))
	if err != nil {
		return nil
	}
	defer content.Close()
	head := make([]byte, headBytes)
	n, _ := io.ReadFull(content, head)
	return head[:n]
}

// source reads a piece at explicit offsets, within ctx.
type source struct {
	ctx context.Context
	*piece
}

// ReadAt gives errMoved where the name belongs to another file by now.
func (f source) ReadAt(buffer []byte, offset int64) (n int, err error) {
	name := f.s.path(f.name, f.live)
	for n < len(buffer) {
		data, size, err := f.s.agent.read(f.ctx, name, offset+int64(n), len(buffer)-n)
		if errors.Is(err, fs.ErrNotExist) {
			return 0, errMoved
		}
		if err != nil {
			return 0, err
		}
		if len(data) == 0 && offset+int64(n) > size && f.compressed {
			return 0, errMoved
		}
		if len(data) == 0 {
			break
		}
		n += copy(buffer[n:], data)
	}
	now, _, err := f.s.agent.read(f.ctx, name, 0, len(f.raw))
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !bytes.Equal(now, f.raw):
		return 0, errMoved
	case err != nil:
		return 0, err
	case n < len(buffer):
		return n, io.EOF
	}
	return n, nil
}

// content gives what a piece holds from an offset on.
func (p *piece) content(ctx context.Context, offset int64) (io.ReadCloser, error) {
	from := source{ctx, p}
	if !p.compressed {
		return io.NopCloser(&batched{from: from, offset: offset}), nil
	}
	raw := &batched{from: from}
	expanded, err := series.Expand(raw)
	if err != nil {
		return nil, raw.rather(err)
	}
	content := &packed{expanded, raw}
	if _, err := io.CopyN(io.Discard, content, offset); err != nil && !errors.Is(err, io.EOF) {
		_ = content.Close()
		return nil, err
	}
	return content, nil
}

// batched reads on in batches, of which each was seen to be of the file.
type batched struct {
	from   source
	offset int64
	ready  []byte
	failed error // reading, not at the end
}

// rather gives why reading failed in place of what was made of it.
func (b *batched) rather(err error) error {
	if b.failed != nil {
		return b.failed
	}
	return err
}

// packed tells what could not be read from what is damaged.
type packed struct {
	io.ReadCloser
	raw *batched
}

func (p *packed) Read(buffer []byte) (int, error) {
	n, err := p.ReadCloser.Read(buffer)
	if err != nil {
		err = p.raw.rather(err)
	}
	return n, err
}

func (b *batched) Read(p []byte) (int, error) {
	if len(b.ready) == 0 {
		batch := make([]byte, batchBytes)
		n, err := b.from.ReadAt(batch, b.offset)
		if n == 0 {
			if !errors.Is(err, io.EOF) {
				b.failed = err
			}
			return 0, err
		}
		b.offset += int64(n)
		b.ready = batch[:n]
	}
	n := copy(p, b.ready)
	b.ready = b.ready[n:]
	return n, nil
}

// anchor is how far a reading is: a file, known by what it holds, and the position in it.
type anchor struct {
	head   []byte
	tail   []byte // the last bytes before offset
	offset int64
}

// advance takes in what was read of the file.
func (a *anchor) advance(chunk []byte) {
	if missing := headBytes - len(a.head); missing > 0 && int64(len(a.head)) == a.offset {
		a.head = append(a.head, chunk[:min(missing, len(chunk))]...)
	}
	a.offset += int64(len(chunk))
	a.tail = append(a.tail, chunk[max(0, len(chunk)-tailBytes):]...)
	a.tail = append([]byte(nil), a.tail[max(0, len(a.tail)-tailBytes):]...)
}

// is says that a piece is the anchor's file. A rotated one may be shorter than what was
// read of it: the beginning of its last line went to the next.
func (a *anchor) is(ctx context.Context, p *piece) (bool, error) {
	known := min(len(a.head), len(p.head))
	if known == 0 || !bytes.Equal(a.head[:known], p.head[:known]) {
		return false, nil
	}
	if p.compressed {
		return len(p.head) >= len(a.head) || len(p.head) < headBytes, nil
	}
	if p.live && p.size < a.offset {
		return false, nil
	}
	if len(a.tail) == 0 {
		return true, nil
	}
	begin := a.offset - int64(len(a.tail))
	want := a.tail[:max(0, min(int64(len(a.tail)), p.size-begin))]
	if len(want) == 0 {
		return p.size <= begin && !p.live, nil
	}
	have := make([]byte, len(want))
	n, err := source{ctx, p}.ReadAt(have, begin)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("find the place in %q: %w", p.name, err)
	}
	return bytes.Equal(have[:n], want), nil
}
