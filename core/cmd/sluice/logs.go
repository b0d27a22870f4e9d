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
)

const logsHelp = `Print the whole log of a container, from its oldest rotated file to what was written
last, compressed files (gzip, zstd) too.

With --follow it goes on with what comes, across rotations and compressions, until the
container has ended, where the records tell that; else until it is interrupted. What is
read slowly is still subject to the retention of the log; what that takes is said on
stderr, with its amount, and the exit status is 1.

--since leaves out the rotated files in which nothing was written after that time. Lines
have no times of their own: the first file that is left is printed from its beginning,
so that earlier lines than asked for may come first, and no later one is left out.

--all prints both streams, each line behind the name of its stream: all of stdout, then
all of stderr; with --follow, lines as they come. Which line of one stream was written
before which one of the other, nothing tells.

--agent reads the log of another machine through the operator API of its agent, which
asks for the files again and again. TARGET is then the id of a container, task or
executor, or a task's name, or the beginning of one; or a path as the agent's files API
has it. The agent must let the principal view containers and tasks and access sandboxes.
Files are known by how they begin: of two that begin with the same 4096 bytes, one may be
taken for the other.

`

const logsExample = `  sluice logs /var/lib/mesos/slaves/S1/frameworks/F1/executors/web/runs/latest
  sluice logs --follow --lines=20 web.7f3a
  sluice logs --since=2h --stderr 3e1c | grep -c timeout
  sluice logs --follow --agent=http://node7:5051 --principal=ops --secret_file=ops.secret web`

// logsOptions are the flags of `sluice logs`.
type logsOptions struct {
	stateDir    string
	follow      bool
	lines       int64
	since       string
	stderr, all bool
	agent       agentOptions
}

func newLogs() *cobra.Command {
	o := &logsOptions{}
	cmd := &cobra.Command{
		Use:     "logs [flags] TARGET",
		Short:   "Print the whole log of a container, and follow it",
		Long:    logsHelp + targetHelp + "\n\n" + exitHelp,
		Example: logsExample,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd, args[0])
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&o.follow, "follow", "f", false, "go on with what comes")
	flags.Int64VarP(&o.lines, "lines", "n", -1, "print the last lines only, so many of each stream; -1 is all")
	flags.StringVar(&o.since, "since", "", "leave out files not written to since: a duration before now (90s, 2h) or a time (2026-11-22T14:00:00Z)")
	flags.BoolVar(&o.stderr, "stderr", false, "print stderr instead of stdout")
	flags.BoolVar(&o.all, "all", false, "print both, each line behind the name of its stream")
	stateDirFlag(cmd, &o.stateDir)
	o.agent.flags(cmd)
	return cmd
}

func (o *logsOptions) run(cmd *cobra.Command, name string) error {
	since, err := parseSince(o.since, time.Now())
	if err != nil {
		return err
	}
	if o.stderr && o.all {
		return usagef("--stderr and --all exclude each other; expected one of them")
	}
	if o.lines < -1 {
		return usagef("--lines=%d: expected a number of lines, or -1 for all", o.lines)
	}
	ctx, cancel := context.WithCancelCause(cmd.Context())
	defer cancel(nil)
	if out, ok := cmd.OutOrStdout().(*os.File); ok && o.follow {
		go func() {
			awaitClosed(out)
			cancel(errClosed)
		}()
	}
	p := &printer{options: o, since: since, out: cmd.OutOrStdout(), errOut: cmd.ErrOrStderr()}
	var live string
	if o.agent.url != "" {
		r, err := o.agent.find(ctx, name)
		if err != nil {
			return err
		}
		p.print, live = r.printer(p), r.sandbox.Live
	} else {
		t, err := findTarget(name, o.stateDir)
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

// parseSince reads a duration before now, or a time; nothing gives the zero time.
func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usagef("--since=%q: expected a duration such as 90s or 2h, or a time such as 2026-11-22T14:00:00Z or 2026-11-22", text)
}

// printer prints the streams of a sandbox, wherever that is.
type printer struct {
	options *logsOptions
	since   time.Time
	out     io.Writer
	errOut  io.Writer
	// print prints one stream to w.
	print func(ctx context.Context, live string, w io.Writer) error
}

// printer prints the streams of a sandbox on this machine.
func (t *target) printer(p *printer) func(context.Context, string, io.Writer) error {
	return func(ctx context.Context, live string, w io.Writer) error {
		s, _, err := t.series(live)
		if err != nil {
			return err
		}
		defer s.Close()
		r, err := s.Read()
		if err != nil {
			return fmt.Errorf("sandbox %q: %w", t.path, err)
		}
		defer r.Close()
		progress := newProgress(p.out, p.errOut)
		defer progress.clear()
		r.Progress, r.Notice = progress.show, p.notice(live, progress)
		if !p.since.IsZero() {
			r.Since(p.since)
		}
		if p.options.lines >= 0 {
			if err := r.Last(p.options.lines); err != nil {
				return fmt.Errorf("sandbox %q: %w", t.path, err)
			}
		}
		if p.options.follow {
			return r.Follow(ctx, w, t.ended(live))
		}
		return r.Copy(ctx, w)
	}
}

// notice says what a reader has to say beside the output.
func (p *printer) notice(live string, progress *progress) func(string) {
	return func(message string) {
		progress.clear()
		fmt.Fprintln(p.errOut, paint(p.errOut, red, "sluice: "+live+": "+message))
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
