package series

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"time"

	"sluice/core/logformat"
	"sluice/core/sandbox"
)

// Follow writes the series to w and goes on with what comes, until ended says that
// nothing will come any more, and all that there is has been written; nil never does. It fails as
// Copy does. Output that ends within a line is written as it is there.
func (r *Reader) Follow(ctx context.Context, w io.Writer, ended func() bool) error {
	r.endBytes = -1
	c, err := newChase(r)
	if err != nil {
		return err
	}
	defer c.stop()
	buffer := make([]byte, copyBytes)
	ending := false
	for {
		// Asked before the file is read: one that has a successor is complete.
		successor, looked := r.hasSuccessor(), time.Now()
		if err := r.copyFile(ctx, w, buffer); err != nil {
			return err
		}
		switch {
		case successor:
			r.advance()
		case r.hasSuccessor():
		case ending:
			return r.verdict()
		case ended != nil && ended():
			ending = true
			if err := c.look(); err != nil {
				return err
			}
		case r.series.dir.Removed():
			r.complain("the sandbox was removed")
			return r.verdict()
		default:
			if err := r.restartTruncated(); err != nil {
				return err
			}
			if err := c.wait(ctx); err != nil {
				return err
			}
			r.foundEnd = looked
		}
	}
}

func (r *Reader) hasSuccessor() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.links) > 1
}

// restartTruncated starts the live file again if somebody has truncated it below what
// was read of it. The logger shortens it too, when it hands the beginning of a line on;
// then the file with that beginning is there until the next live file is.
func (r *Reader) restartTruncated() error {
	r.mu.Lock()
	last := r.links[len(r.links)-1]
	r.mu.Unlock()
	if r.current != last || last.compressed {
		return nil
	}
	info, err := sandbox.StatFile(last.f)
	if err != nil || info.Links == 0 || info.Size >= r.offset {
		return err
	}
	carrying, err := r.series.carrying()
	if err != nil || carrying {
		return err
	}
	live, err := inodeOf(r.series.dir, r.series.live)
	if err != nil || live != last.inode {
		return err
	}
	if r.endsAlike(last.f, info.Size) {
		r.closeContent()
		r.offset = info.Size
		return nil
	}
	if r.Notice != nil {
		r.Notice(last.name + " was truncated by somebody else; it is read from its beginning")
	}
	r.closeContent()
	r.offset, r.tail = 0, nil
	return nil
}

// tailBytes of what was read are remembered.
const tailBytes = 1 << 10

func (r *Reader) remember(chunk []byte) {
	if r.endBytes >= 0 {
		return
	}
	r.tail = append(r.tail, chunk[max(0, len(chunk)-tailBytes):]...)
	r.tail = append(r.tail[:0], r.tail[max(0, len(r.tail)-tailBytes):]...)
}

// endsAlike says that a file that was cut at size ends with what was read there: only its
// end was taken back, as the logger does with a line that it could not write whole.
func (r *Reader) endsAlike(f *os.File, size int64) bool {
	begin := r.offset - int64(len(r.tail))
	if size <= begin {
		return false
	}
	now := make([]byte, size-begin)
	if _, err := f.ReadAt(now, begin); err != nil || !bytes.HasPrefix(r.tail, now) {
		return false
	}
	r.tail = r.tail[:len(now)]
	return true
}

// carrying says that the beginning of a line is on its way to the next live file.
func (s *Series) carrying() (bool, error) {
	prefix := logformat.CarryPrefix(s.live)
	found, err := s.dir.List(maxNames, func(name string) bool { return strings.HasPrefix(name, prefix) })
	return len(found) > 0, err
}
