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
	// headBytes at the beginning of a file are remembered of it, and recentBytes before the
	// position that was reached, of which the last tailBytes are looked for again.
	headBytes   = 4 << 10
	recentBytes = 4 << 10
	tailBytes   = 256
	// tellingBytes is the least that tells one file from another.
	tellingBytes = 64
)

// evidence is what was read of one file, as far as it is remembered.
type evidence struct {
	file   int64 // its number in the reading; see Reader
	head   []byte
	recent []byte // the last bytes before offset
	offset int64
}

// advance takes in what was read of the file.
func (e *evidence) advance(chunk []byte) {
	if missing := headBytes - len(e.head); missing > 0 && int64(len(e.head)) == e.offset {
		e.head = append(e.head, chunk[:min(missing, len(chunk))]...)
	}
	e.offset += int64(len(chunk))
	e.recent = append(e.recent, chunk[max(0, len(chunk)-recentBytes):]...)
	e.recent = append([]byte(nil), e.recent[max(0, len(e.recent)-recentBytes):]...)
}

// tail is the end of what was read.
func (e *evidence) tail() []byte { return e.recent[max(0, len(e.recent)-tailBytes):] }

// telling says that another file is unlikely to hold the same: there is enough of it, and its end
// is not the repetition of what was there before.
func (e *evidence) telling() bool {
	for _, text := range [][]byte{e.recent, e.head} {
		last := text[max(0, len(text)-tailBytes):]
		if len(last) >= tellingBytes && bytes.Index(text, last[len(last)-tellingBytes:]) == len(text)-tellingBytes {
			return true
		}
	}
	return false
}

// matches says that what a file holds now agrees with what was read. A rotated one may be shorter
// than that: the beginning of its last line went to the next.
func (e *evidence) matches(ctx context.Context, s *Series, f found) (bool, error) {
	if f.file == nil {
		return e.offset == 0 && len(e.head) == 0, nil
	}
	if f.live && f.size < e.offset {
		return false, nil
	}
	if len(e.head)+len(e.recent) == 0 {
		return true, nil
	}
	head, err := s.head(ctx, f)
	if err != nil {
		return false, err
	}
	known := min(len(e.head), len(head))
	if !bytes.Equal(e.head[:known], head[:known]) || known < len(e.head) && known < headBytes && int64(known) < f.size && !f.compressed {
		return false, nil
	}
	if f.compressed {
		return true, nil
	}
	begin := e.offset - int64(len(e.tail()))
	want := e.tail()[:max(0, min(int64(len(e.tail())), f.size-begin))]
	have, _, err := s.agent.read(ctx, s.path(f), begin, len(want))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && bytes.Equal(have, want), err
}

// head reads how a file's content begins; of a damaged one, as much as there is.
func (s *Series) head(ctx context.Context, f found) ([]byte, error) {
	most := headBytes
	if f.compressed {
		most = readBytes // which expand to as much
	}
	raw, _, err := s.agent.read(ctx, s.path(f), 0, most)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look how %q begins: %w", f.name, err)
	}
	if !f.compressed {
		return raw, nil
	}
	content, err := series.ExpandWithin(bytes.NewReader(raw), windowBytes)
	if err != nil {
		return nil, nil
	}
	defer content.Close()
	head := make([]byte, headBytes)
	n, _ := io.ReadFull(content, head)
	return head[:n], nil
}
