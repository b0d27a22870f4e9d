package main

import (
	"context"
	"os"
	"time"

	"github.com/spf13/cobra"
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

--timestamps puts before each line when it was written, as the time index beside the log
has it (stdout.times): the time of its first byte, in the zone of this machine, and with
--utc or --epoch otherwise. It is exact to the logger's time_resolution, 0.1 s unless that
is set, and never earlier than the line. A "<" before it says that it is the latest that it
can have been: of lines that came while no agent lived, or before there was an index; of
files that the index does not tell of it is when they were written last. What --follow
prints before the index has it has the time at which it was seen. A clock that was set back
is shown as it was.

--since begins with the first line that was written at that time or later, --until ends
before the first one that was written after it. Where there is no time index, or it does
not tell of a file, both go by the times of files: --since leaves out those in which
nothing was written after that time, --until those that were begun after it, and those
that are left are printed whole. That is said on stderr.

` + momentHelp + `

--all prints both streams, each line behind the name of its stream, in the order in which
they were written as far as the time indexes tell: of what was written within their
resolution stdout comes first, and where one stream has no index, all of stdout does. With
--follow lines come as they are read, and a line of more than a mebibyte that the other
stream comes into is continued on another line.

Which files belong to the log the policy of its rotation says: by the record of a running
container, else by stdout.logrotate.conf in its sandbox. Where there is neither, the names
are guessed; that is said on stderr, and the exit status is 1.

--agent reads the log of another machine through the operator API of its agent, which
asks for the files again and again. TARGET is then the id of a container, task or
executor, or a task's name, or the beginning of one; or a path as the agent's files API
has it. What has ended is found while the agent remembers its task; of several runs of one
name the latest is printed, and the others are listed on stderr. The agent must let
the principal view containers and tasks and access sandboxes. An agent that restarts is
waited for with --follow. The time index is not read from there: --since and --until go by
the times of files, --all prints all of stdout and then all of stderr, and times of lines are
not to be had. Where files hold the same, as of a line that is printed again
and again, and are rotated while they are read, nobody can tell how many there were: that
is said, and the exit status is 1. A log at rest is always printed whole.

`

const logsExample = `  sluice logs /var/lib/mesos/slaves/S1/frameworks/F1/executors/web/runs/latest
  sluice logs --follow --lines=20 web.7f3a
  sluice logs --since=2h --stderr 3e1c | grep -c timeout
  sluice logs --all --timestamps --since=14:00 --until=14:05 web.7f3a
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
	stamps      stampOptions
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
	flags.StringVar(&o.since, "since", "", "leave out what was written before WHEN")
	flags.StringVar(&o.until, "until", "", "leave out what was written after WHEN")
	flags.BoolVarP(&o.stamps.timestamps, "timestamps", "t", false, "put before each line when it was written")
	flags.BoolVar(&o.stamps.utc, "utc", false, "--timestamps in UTC")
	flags.BoolVar(&o.stamps.epoch, "epoch", false, "--timestamps in seconds since 1970")
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
	if err := o.agrees(); err != nil {
		return err
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
		p.print, p.merge, live = t.printer(p), t.merge(p), t.live
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

// agrees refuses flags that do not go together.
func (o *logsOptions) agrees() error {
	switch {
	case o.follow && o.until != "":
		return usagef("--follow and --until exclude each other; expected one of them")
	case o.wait && !o.follow:
		return usagef("--wait is for --follow; expected both, or neither")
	case o.stderr && o.all:
		return usagef("--stderr and --all exclude each other; expected one of them")
	case o.stamps.utc && o.stamps.epoch:
		return usagef("--utc and --epoch exclude each other; expected one of them")
	case o.stamps.asked() && o.agent.url != "":
		return usagef("--timestamps, --utc and --epoch are for a log of this machine: the times of lines are not read through an agent; expected them without --agent")
	}
	return nil
}
