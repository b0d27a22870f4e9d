package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"sluice/core/series"
)

// printer prints the streams of a sandbox, wherever that is.
type printer struct {
	options      *logsOptions
	since, until time.Time
	out          io.Writer
	errOut       io.Writer
	// print prints one stream to w.
	print func(ctx context.Context, live string, w io.Writer) error
	// merge prints both in the order of their times; nil where that cannot be done.
	merge func(ctx context.Context) error
}

// printer prints the streams of a sandbox on this machine.
func (t *target) printer(p *printer) func(context.Context, string, io.Writer) error {
	return func(ctx context.Context, live string, w io.Writer) error {
		r, err := t.begin(ctx, p, live)
		if err != nil {
			return err
		}
		defer r.close()
		if stamps := p.options.stamps; stamps.asked() {
			w = &stamper{stampOptions: stamps, reader: r.Reader, out: w}
		}
		if p.options.follow {
			return r.verdict(r.Follow(ctx, w, t.ended(live)))
		}
		return r.verdict(r.Copy(ctx, w))
	}
}

// reading is a stream that is read, at the place where that begins.
type reading struct {
	*series.Reader
	of       *series.Series
	progress *progress
}

// begin opens one stream and goes to where the options have it begin. The caller closes it.
func (t *target) begin(ctx context.Context, p *printer, live string) (*reading, error) {
	s, reader, err := t.open(ctx, p, live)
	if err != nil {
		return nil, err
	}
	r := &reading{Reader: reader, of: s, progress: newProgress(p.out, p.errOut)}
	r.Progress, r.Notice = r.progress.show, p.notice(live, r.progress)
	if s.Guessed != "" {
		r.Notice(guessedNames(s.Guessed))
	}
	if err := r.restrict(p); err != nil {
		r.close()
		return nil, fmt.Errorf("sandbox %q: %w", t.path, err)
	}
	return r, nil
}

// restrict leaves out what the options do not ask for.
func (r *reading) restrict(p *printer) error {
	if p.options.stamps.asked() || p.options.all {
		r.HasTimes() // asked while all files are there still
	}
	if !p.until.IsZero() {
		if err := r.Until(p.until); err != nil {
			return err
		}
	}
	if !p.since.IsZero() {
		if err := r.Since(p.since); err != nil {
			return err
		}
	}
	if p.options.lines >= 0 {
		return r.Last(int64(p.options.lines))
	}
	return nil
}

func (r *reading) close() {
	r.progress.clear()
	r.Close()
	_ = r.of.Close()
}

// verdict is how a reading has ended: nobody can tell whether one whose files were guessed is whole.
func (r *reading) verdict(err error) error {
	if err == nil && r.of.Guessed != "" {
		return errGuessed
	}
	return err
}

// open opens the series of one stream. With --wait it is waited for. The caller closes both.
func (t *target) open(ctx context.Context, p *printer, live string) (*series.Series, *series.Reader, error) {
	for waited := false; ; waited = true {
		s, _, err := t.series(live)
		if err != nil {
			return nil, nil, err
		}
		r, err := s.Read()
		if err == nil {
			return s, r, nil
		}
		_ = s.Close()
		if !errors.Is(err, fs.ErrNotExist) || !p.options.wait {
			return nil, nil, fmt.Errorf("sandbox %q: %w", t.path, err)
		}
		if err := p.await(ctx, live, waited); err != nil {
			return nil, nil, err
		}
	}
}

// target finds what the argument names. With --wait it is waited for.
func (p *printer) target(ctx context.Context, name string) (*target, error) {
	for waited := false; ; waited = true {
		t, err := findTarget(name, p.options.stateDir)
		if err == nil || !p.options.wait || !errors.Is(err, fs.ErrNotExist) {
			return t, err
		}
		if err := p.await(ctx, name, waited); err != nil {
			return nil, err
		}
	}
}

// awaitPause is between two looks whether a log is there.
const awaitPause = 500 * time.Millisecond

// await waits a little for what is not there, and says so once.
func (p *printer) await(ctx context.Context, what string, told bool) error {
	if !told {
		fmt.Fprintf(p.errOut, "sluice: %s is not there yet; it is waited for\n", printable(what))
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(awaitPause):
		return nil
	}
}

// errGuessed fails a reading of which nobody can say that it is whole.
var errGuessed = errors.New("the names of the files were guessed; nobody can tell whether that was all of the log")

// guessedNames says why the names of a series had to be guessed.
func guessedNames(why string) string {
	return why + ", and no record: which files belong to the log is guessed from their names"
}

// notice says what a reader has to say beside the output.
func (p *printer) notice(live string, progress *progress) func(string) {
	return func(message string) {
		progress.clear()
		fmt.Fprintln(p.errOut, paint(p.errOut, red, "sluice: "+live+": "+printable(message)))
	}
}

// prefix is what stands before each line of one of two streams.
func (p *printer) prefix(live string) string {
	return paint(p.out, map[string]colour{stderrName: red}[live], live) + " "
}

// both prints both streams: by their times, one after the other or, when following, at once. A
// stream without any file is left out if the other has one.
func (p *printer) both(ctx context.Context) error {
	if p.merge != nil && !p.options.follow {
		return p.merge(ctx)
	}
	names := []string{stdoutName, stderrName}
	lines := &lines{out: p.out}
	results := make([]error, len(names))
	var wait sync.WaitGroup
	for i, live := range names {
		w := lines.of(p.prefix(live))
		each := func() { results[i] = errors.Join(p.print(ctx, live, w), w.flush()) }
		if p.options.follow {
			wait.Go(each)
			continue
		}
		each()
	}
	wait.Wait()
	return ofEither(results)
}

// ofEither is the result for two streams: one that is not there is left out if the other is.
func ofEither(results []error) error {
	if errors.Is(results[0], fs.ErrNotExist) != errors.Is(results[1], fs.ErrNotExist) {
		for i := range results {
			if errors.Is(results[i], fs.ErrNotExist) {
				results[i] = nil
			}
		}
	}
	return errors.Join(results...)
}
