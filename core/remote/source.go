package remote

import (
	"context"
	"errors"
	"fmt"
	"io"

	"sluice/core/series"
)

// batchBytes are read before it is made sure that they are all of one file.
const batchBytes = 1 << 20

// windowBytes is what expanding a file may take: as much as the strongest level of zstd asks for,
// and a quarter of what is to be had in all.
const windowBytes = 16 << 20

// A source reads one file of the series, by its number, whatever name it has.
type source struct {
	ctx        context.Context
	r          *Reader
	number     int64
	compressed bool
	// live says that the file was still the live one when it was read last.
	live   bool
	size   int64 // then
	offset int64 // of the next batch
	ready  []byte
	ended  bool
	failed error // reading, not at the end
}

// errGone says that the retention has taken a file.
var errGone = errors.New("the file was removed")

// open opens a file by its number. It gives errGone.
func (r *Reader) open(ctx context.Context, number, offset int64) (*source, error) {
	f, gone := r.now.numbered(number, r.live)
	if gone {
		return nil, errGone
	}
	src := &source{ctx: ctx, r: r, number: number, compressed: f.compressed, live: f.live, offset: offset}
	if f.file != nil {
		src.size = f.size
	}
	return src, nil
}

// batch reads at an offset. It gives errMoved where the file has another form by now.
func (s *source) batch(offset int64, length int) (data []byte, ended bool, err error) {
	var result error
	var next []byte
	err = s.r.steady(s.ctx, func(n *snapshot, live int64) error {
		f, gone := n.numbered(s.number, live)
		if result = nil; gone {
			result = errGone
			return nil
		}
		if f.compressed != s.compressed {
			result = errMoved
			return nil
		}
		var err error
		data, ended, err = s.r.s.readOf(s.ctx, f, offset, length)
		length = max(readBytes, length/2) // in case it has to be done again
		if s.live = f.live; f.file != nil {
			s.size = f.size
		}
		if next = nil; err == nil && ended && !f.live && s.r.alike {
			younger, _ := n.numbered(s.number+1, live)
			if younger.file != nil {
				next, err = s.r.s.head(s.ctx, younger)
			}
		}
		return err
	})
	if err == nil {
		err = result
	}
	if err != nil {
		return nil, false, err
	}
	s.r.next = next
	return data, ended, nil
}

// readOf reads of a file under the name that it has. ended says that there is no more.
func (s *Series) readOf(ctx context.Context, f found, offset int64, length int) (data []byte, ended bool, err error) {
	if f.file == nil {
		return nil, true, nil
	}
	for len(data) < length && !ended {
		chunk, size, err := s.agent.read(ctx, s.path(f), offset+int64(len(data)), length-len(data))
		if err != nil {
			return nil, false, err
		}
		if !f.live && size != f.size {
			return nil, false, errMoved
		}
		data = append(data, chunk...)
		ended = len(chunk) == 0 || offset+int64(len(data)) >= size
	}
	return data, ended, nil
}

// Read reads on, in batches.
func (s *source) Read(p []byte) (int, error) {
	if len(s.ready) == 0 && !s.ended && s.failed == nil {
		s.ready, s.ended, s.failed = s.batch(s.offset, batchBytes)
		s.offset += int64(len(s.ready))
	}
	if len(s.ready) == 0 {
		if s.failed != nil {
			return 0, s.failed
		}
		return 0, io.EOF
	}
	n := copy(p, s.ready)
	s.ready = s.ready[n:]
	return n, nil
}

// ReadAt reads anywhere in a plain file.
func (s *source) ReadAt(p []byte, offset int64) (n int, err error) {
	for n < len(p) {
		data, ended, err := s.batch(offset+int64(n), min(len(p)-n, batchBytes))
		if err != nil {
			return n, err
		}
		n += copy(p[n:], data)
		if ended && n < len(p) {
			return n, io.EOF
		}
	}
	return n, nil
}

// content gives what a file holds from an offset on. short is what is missing of that offset
// where the file is shorter.
func (s *source) content(offset int64) (content io.ReadCloser, short int64, err error) {
	if !s.compressed {
		s.offset = offset
		return io.NopCloser(s), 0, nil
	}
	s.offset = 0
	expanded, err := series.ExpandWithin(s, windowBytes)
	if err != nil {
		return nil, 0, s.rather(err)
	}
	content = &packed{expanded, s}
	n, err := io.CopyN(io.Discard, content, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		_ = content.Close()
		return nil, 0, err
	}
	return content, offset - n, nil
}

// rather gives why reading failed in place of what was made of it.
func (s *source) rather(err error) error {
	if s.failed != nil {
		return s.failed
	}
	return err
}

// packed tells what could not be read from what is damaged.
type packed struct {
	io.ReadCloser
	from *source
}

func (p *packed) Read(buffer []byte) (int, error) {
	n, err := p.ReadCloser.Read(buffer)
	if err != nil {
		err = p.from.rather(err)
	}
	return n, err
}

// name is what to call the file.
func (s *source) name() string {
	if f, gone := s.r.now.numbered(s.number, s.r.live); !gone && f.file != nil {
		return printable(f.name)
	}
	return fmt.Sprintf("a file of %s", s.r.s.live)
}
