package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"sluice/core/series"
)

const logsHelp = `Print the whole log of a container, from its oldest rotated file to what was written
last, compressed files (gzip, zstd) too. The bytes are those that the container wrote:
what in them a terminal obeys, it obeys; pipe them through "less" or "cat -v" where that
is not wanted.

With --follow it goes on with what comes, across rotations and compressions, until the
container has ended, where the records tell that; else until it is interrupted. What is
read slowly is still subject to the retention of the log; what that takes is said on
stderr, with its amount, and the exit status is 1. With --wait a log that is not there yet
is waited for.

--since leaves out the rotated files in which nothing was written after that time, --until
those that were begun after it. Both go by the times of files: lines have no times of
their own. The first file that is left is printed from its beginning and the last one to
its end, so that earlier and later lines than asked for may come, and none is left out.

` + momentHelp + `

--all prints both streams, each line behind the name of its stream: all of stdout, then
all of stderr; with --follow, lines as they come. Which line of one stream was written
before which one of the other, nothing tells. A line of more than a mebibyte that the
other stream comes into is continued on another line.

Which files belong to the log the policy of its rotation says: by the record of a running
container, else by stdout.logrotate.conf in its sandbox. Where there is neither, the names
are guessed; that is said on stderr, and the exit status is 1.

--agent reads the log of another machine through the operator API of its agent, which
asks for the files again and again. TARGET is then the id of a container, task or
executor, or a task's name, or the beginning of one; or a path as the agent's files API
has it. What has ended is found while the agent remembers its task; of several runs of one
name the latest is printed, and the others are listed on stderr. The agent must let
the principal view containers and tasks and access sandboxes. An agent that restarts is
waited for with --follow. Where files hold the same, as of a line that is printed again
and again, and are rotated while they are read, nobody can tell how many there were: that
is said, and the exit status is 1. A log at rest is always printed whole.

`

const logsExample = `  sluice logs /var/lib/mesos/slaves/S1/frameworks/F1/executors/web/runs/latest
  sluice logs --follow --lines=20 web.7f3a
  sluice logs --since=2h --stderr 3e1c | grep -c timeout
  sluice logs --follow --agent=http://node7:5051 --principal=ops --secret_file=ops.secret web`

// logsOptions are the flags of `sluice logs`.
type logsOptions struct {
	stateDir    string
	follow      bool
	wait        bool
	lines       lineCount
	since       string
	until       string
	stderr, all bool
	agent       agentOptions
}

func newLogs() *cobra.Command {
	o := &logsOptions{lines: -1}
	cmd := &cobra.Command{
		Use:     "logs [flags] TARGET",
		Short:   "Print the whole log of a container, and follow it",
		Long:    logsHelp + targetHelp + "\n\n" + exitHelp,
		Example: logsExample,
		Args:    one("TARGET"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd, args[0])
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&o.follow, "follow", "f", false, "go on with what comes")
	flags.BoolVar(&o.wait, "wait", false, "with --follow, wait for a log that is not there yet")
	flags.VarP(&o.lines, "lines", "n", "print the last lines only, so many of each stream; -1 is all")
	flags.Var(&o.lines, "tail", "the same as --lines")
	flags.StringVar(&o.since, "since", "", "leave out files not written to since WHEN")
	flags.StringVar(&o.until, "until", "", "leave out files begun after WHEN")
	flags.BoolVar(&o.stderr, "stderr", false, "print stderr instead of stdout")
	flags.BoolVar(&o.all, "all", false, "print both, each line behind the name of its stream")
	stateDirFlag(cmd, &o.stateDir)
	o.agent.flags(cmd)
	return cmd
}

func (o *logsOptions) run(cmd *cobra.Command, name string) error {
	since, until, err := parseSpan(o.since, o.until, time.Now())
	if err != nil {
		return err
	}
	switch {
	case o.follow && o.until != "":
		return usagef("--follow and --until exclude each other; expected one of them")
	case o.wait && !o.follow:
		return usagef("--wait is for --follow; expected both, or neither")
	}
	if o.stderr && o.all {
		return usagef("--stderr and --all exclude each other; expected one of them")
	}
	ctx, cancel := context.WithCancelCause(cmd.Context())
	defer cancel(nil)
	if out, ok := cmd.OutOrStdout().(*os.File); ok && o.follow {
		go func() {
			awaitClosed(out)
			cancel(errClosed)
		}()
	}
	p := &printer{options: o, since: since, until: until, out: cmd.OutOrStdout(), errOut: cmd.ErrOrStderr()}
	var live string
	if o.agent.url != "" {
		r, err := o.agent.find(ctx, name, p.errOut)
		if err != nil {
			return err
		}
		p.print, live = r.printer(p), r.sandbox.Live
	} else {
		t, err := p.target(ctx, name)
		if err != nil {
			return err
		}
		defer t.close()
		p.print, live = t.printer(p), t.live
	}
	switch {
	case live != "" && (o.stderr || o.all):
		return usagef("%q is one live file; expected its sandbox with --stderr or --all", name)
	case o.all:
		return p.both(ctx)
	case live == "" && o.stderr:
		live = stderrName
	case live == "":
		live = stdoutName
	}
	return p.print(ctx, live, p.out)
}

// printer prints the streams of a sandbox, wherever that is.
type printer struct {
	options      *logsOptions
	since, until time.Time
	out          io.Writer
	errOut       io.Writer
	// print prints one stream to w.
	print func(ctx context.Context, live string, w io.Writer) error
}

// printer prints the streams of a sandbox on this machine.
func (t *target) printer(p *printer) func(context.Context, string, io.Writer) error {
	return func(ctx context.Context, live string, w io.Writer) error {
		s, r, err := t.open(ctx, p, live)
		if err != nil {
			return err
		}
		defer s.Close()
		defer r.Close()
		progress := newProgress(p.out, p.errOut)
		defer progress.clear()
		r.Progress, r.Notice = progress.show, p.notice(live, progress)
		if s.Guessed != "" {
			r.Notice(guessedNames(s.Guessed))
		}
		if !p.until.IsZero() {
			if err := r.Until(p.until); err != nil {
				return fmt.Errorf("sandbox %q: %w", t.path, err)
			}
		}
		if !p.since.IsZero() {
			if err := r.Since(p.since); err != nil {
				return fmt.Errorf("sandbox %q: %w", t.path, err)
			}
		}
		if p.options.lines >= 0 {
			if err := r.Last(int64(p.options.lines)); err != nil {
				return fmt.Errorf("sandbox %q: %w", t.path, err)
			}
		}
		if p.options.follow {
			err = r.Follow(ctx, w, t.ended(live))
		} else {
			err = r.Copy(ctx, w)
		}
		if err == nil && s.Guessed != "" {
			err = errGuessed
		}
		return err
	}
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

// both prints both streams, one after the other or, when following, at once. A stream
// without any file is left out if the other has one.
func (p *printer) both(ctx context.Context) error {
	names := []string{stdoutName, stderrName}
	lines := &lines{out: p.out}
	results := make([]error, len(names))
	var wait sync.WaitGroup
	for i, live := range names {
		w := lines.of(paint(p.out, map[string]colour{stderrName: red}[live], live) + " ")
		each := func() { results[i] = errors.Join(p.print(ctx, live, w), w.flush()) }
		if p.options.follow {
			wait.Go(each)
			continue
		}
		each()
	}
	wait.Wait()
	if errors.Is(results[0], fs.ErrNotExist) != errors.Is(results[1], fs.ErrNotExist) {
		for i := range results {
			if errors.Is(results[i], fs.ErrNotExist) {
				results[i] = nil
			}
		}
	}
	return errors.Join(results...)
}
