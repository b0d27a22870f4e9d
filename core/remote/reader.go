package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"sluice/core/series"
)

const (
	// soonPause and idlePause are between two looks at a log that goes on, and at one that
	// has been quiet for a while.
	soonPause = 50 * time.Millisecond
	idlePause = time.Second
	// restPause is more than a second of the agent's clock, by which files have their times.
	restPause = 1100 * time.Millisecond
)

// Reader reads a series once. It is used by one goroutine. The files have numbers within the
// reading: each the number of the one before it, and one more.
type Reader struct {
	// Notice is told what is missing in the output; nil is silent.
	Notice func(message string)
	// Progress, if set, is told now and then which file is read.
	Progress func(series.Progress)

	s *Series
	// now is the series as it was seen last, and live the number of its live file.
	now  *snapshot
	live int64
	// alike says that now does not tell by itself whether there was a rotation since.
	alike bool
	// at is where the output is; begun says that there is some before it in the series, or that
	// it was chosen. Else it is the beginning of the oldest file.
	at    position
	begun bool
	// read is what was read there, or at the end of the file before.
	read *evidence
	// next is how the file behind the one that was read to its end begins, if that was looked at.
	next []byte
	// end is where somebody who does not follow stops; nil is where there is no more.
	end     *position
	failed  bool
	doubted bool // it was said that nobody can tell
	idle    time.Duration
	done    series.Progress
}

// position is one in a file, by its number.
type position struct{ file, offset int64 }

// Read starts reading at the beginning of the oldest file. It fails with fs.ErrNotExist
// where there is no file at all. Where the files do not tell by themselves whether they are
// rotated meanwhile, it waits until a second of the agent's clock has passed: then a series
// at rest does.
func (s *Series) Read(ctx context.Context) (*Reader, error) {
	first, err := s.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	if first.live == nil && len(first.rotated) == 0 {
		return nil, fmt.Errorf("agent %s: there is no %q in %q, nor any rotated file of it: %w", s.agent.where, s.live, s.dir, fs.ErrNotExist)
	}
	first.after(nil)
	r := &Reader{s: s, idle: idlePause}
	if !first.shiftTo(first, s.rule).certain() {
		if err := pause(ctx, restPause); err != nil {
			return nil, err
		}
	}
	for range steadyAttempts {
		r.now, err = s.snapshot(ctx)
		if err != nil {
			return nil, err
		}
		r.now.after(first)
		if first.agrees(r.now) {
			r.alike = !r.now.shiftTo(r.now, s.rule).certain()
			r.end = &position{file: r.live}
			if r.now.live != nil {
				r.end.offset = r.now.live.size
			}
			r.begin(r.oldest())
			r.done.Files = len(r.now.rotated) + 1
			return r, nil
		}
		first = r.now
	}
	return nil, fmt.Errorf("%q at agent %s is rotated faster than it can be looked at from here", s.live, s.agent.where)
}

// oldest is the number of the oldest file.
func (r *Reader) oldest() int64 { return r.live - int64(len(r.now.rotated)) }

// begin goes to the beginning of a file.
func (r *Reader) begin(number int64) {
	r.at = position{file: number}
	r.read = &evidence{file: number}
}

// Copy writes the series to w, up to the end that it had when reading began. It fails
// with series.ErrIncomplete if something could not be read.
func (r *Reader) Copy(ctx context.Context, w io.Writer) error {
	if err := r.pass(ctx, w); err != nil && !errors.Is(err, errEnd) {
		return err
	}
	return r.verdict()
}

// Follow writes the series to w and goes on with what comes, until ended says that
// nothing will come any more; nil never does. An agent that does not answer, or that has not
// recovered yet, is asked again, until ctx ends.
func (r *Reader) Follow(ctx context.Context, w io.Writer, ended func(context.Context) (bool, error)) error {
	r.end = nil
	wait, ending, silent := min(soonPause, r.idle), false, false
	for {
		before := r.done.WrittenBytes
		err := r.pass(ctx, w)
		over := false
		if err == nil && !ending && ended != nil {
			over, err = ended(ctx)
		}
		switch {
		case unreachable(ctx, err):
			if !silent {
				r.tell("%v; it is asked again", err)
			}
			silent = true
			wait = r.idle
		case err != nil:
			return err
		case ending:
			return r.verdict()
		default:
			// One more look, after a pause: what was in the pipe may be on its way.
			silent, ending = false, over
		}
		if wait = min(2*wait, r.idle); r.done.WrittenBytes > before {
			wait = min(soonPause, r.idle)
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
	}
}

// errEnd says that the end is reached that the log had at the beginning.
var errEnd = errors.New("the end is reached")

// pass writes what there is now.
func (r *Reader) pass(ctx context.Context, w io.Writer) error {
	for {
		if r.atEnd() {
			return errEnd
		}
		src, err := r.open(ctx, r.at.file, r.at.offset)
		var short int64
		if err == nil {
			short, err = r.give(ctx, w, src)
		}
		switch {
		case errors.Is(err, errMoved):
		case errors.Is(err, errGone):
			if r.begun {
				r.complain("what followed here was removed before it could be read; nobody knows how much it was")
			}
			r.begin(r.oldest())
			r.begun = false
		case errors.Is(err, series.ErrDamaged), errors.Is(err, series.ErrMethod):
			r.complain("%s cannot be read beyond its byte %d: %v", src.name(), r.at.offset, err)
			r.advance(0)
		case err != nil || src.live:
			return err
		default:
			r.advance(short)
		}
	}
}

// give writes what is left of a file. short is by how much it is shorter than what was read
// of it: the beginning of its last line was handed on to the next one, which begins with it.
func (r *Reader) give(ctx context.Context, w io.Writer, src *source) (short int64, err error) {
	content, short, err := src.content(r.at.offset)
	if err != nil {
		return 0, err
	}
	defer content.Close()
	buffer := make([]byte, readBytes)
	for {
		if err := ctx.Err(); err != nil {
			return 0, context.Cause(ctx)
		}
		n, err := content.Read(buffer)
		if n > 0 {
			if err := r.put(w, src, buffer[:n]); err != nil {
				return 0, err
			}
		}
		if errors.Is(err, io.EOF) {
			if !src.compressed {
				short = max(0, r.at.offset-src.size)
			}
			return short, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// put writes what was read at the position.
func (r *Reader) put(w io.Writer, src *source, chunk []byte) error {
	if r.end != nil && r.end.file == r.at.file {
		chunk = chunk[:min(int64(len(chunk)), max(0, r.end.offset-r.at.offset))]
	}
	if _, err := w.Write(chunk); err != nil {
		return err
	}
	if r.read.file != r.at.file {
		r.read = &evidence{file: r.at.file, offset: r.at.offset}
	}
	r.read.advance(chunk)
	r.at.offset += int64(len(chunk))
	r.begun = true
	r.done.WrittenBytes += int64(len(chunk))
	if r.Progress != nil {
		now := r.done
		now.Name = src.name()
		now.File++
		r.Progress(now)
	}
	if r.atEnd() {
		return errEnd
	}
	return nil
}

// advance goes on to the next file.
func (r *Reader) advance(skip int64) {
	if r.end != nil && r.end.file == r.at.file {
		r.end = &position{r.at.file + 1, max(0, r.end.offset-r.at.offset+skip)}
	}
	r.at = position{r.at.file + 1, skip}
	if r.next != nil {
		r.read, r.next = &evidence{file: r.at.file, head: r.next}, nil
	}
	r.done.File++
}

func (r *Reader) atEnd() bool {
	return r.end != nil && (r.at.file > r.end.file || r.at.file == r.end.file && r.at.offset >= r.end.offset)
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
