package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sluice/core/remote"
)

// agentOptions are the flags of commands that can ask an agent.
type agentOptions struct {
	url, principal, secretFile string
}

func (o *agentOptions) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.url, "agent", "", "read through the operator API of this agent, http://host:5051")
	flags.StringVar(&o.principal, "principal", "", "who asks, for --agent")
	flags.StringVar(&o.secretFile, "secret_file", "", "file with the secret of the principal")
}

// agentTarget is a sandbox at an agent.
type agentTarget struct {
	agent   *remote.Agent
	sandbox remote.Sandbox
}

// find asks the agent what a name means. Of several runs of one name it takes the latest, and
// lists the others on errOut.
func (o *agentOptions) find(ctx context.Context, name string, errOut io.Writer) (*agentTarget, error) {
	if (o.principal == "") != (o.secretFile == "") {
		return nil, usagef("expected --principal and --secret_file together")
	}
	credential := remote.Credential{Principal: o.principal}
	if o.secretFile != "" {
		secret, err := os.ReadFile(o.secretFile)
		if err != nil {
			return nil, fmt.Errorf("read the secret of %q: %w", o.principal, err)
		}
		credential.Secret = strings.TrimRight(string(secret), "\r\n")
	}
	agent, err := remote.Dial(o.url, credential)
	if err != nil {
		return nil, usageError{err}
	}
	if credential.Principal != "" && overheard(o.url) {
		fmt.Fprintf(errOut, "sluice: the secret of %s goes over plain HTTP, where others can read it; give an https:// address if the agent has one\n", printable(o.principal))
	}
	sandbox, others, err := agent.Find(ctx, name)
	if err != nil {
		return nil, err
	}
	tellRuns(errOut, name, others)
	return &agentTarget{agent, sandbox}, nil
}

// overheard says that what is sent to an address can be read by others on its way.
func overheard(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}

// maxRunsTold of a name are listed.
const maxRunsTold = 20

// tellRuns lists the runs of a name before the one that is read.
func tellRuns(errOut io.Writer, name string, others []remote.Run) {
	if len(others) == 0 {
		return
	}
	fmt.Fprintf(errOut, "sluice: this is the latest of %d runs of %s; the others can be named by their containers:\n", len(others)+1, printable(name))
	for i, run := range others {
		if i == maxRunsTold {
			fmt.Fprintf(errOut, "sluice:   and %d more\n", len(others)-i)
			break
		}
		state, started := "ENDED", "an unknown time"
		if run.Running {
			state = "RUNNING"
		}
		if run.State != "" {
			state = run.State
		}
		if !run.Started.IsZero() {
			started = run.Started.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(errOut, "sluice:   %s  %s, started %s\n", printable(run.ID), printable(state), started)
	}
}

// printer prints the streams of a sandbox at an agent.
func (t *agentTarget) printer(p *printer) func(context.Context, string, io.Writer) error {
	return func(ctx context.Context, live string, w io.Writer) error {
		s, r, err := t.open(ctx, p, live)
		if err != nil {
			return err
		}
		progress := newProgress(p.out, p.errOut)
		defer progress.clear()
		r.Progress, r.Notice = progress.show, p.notice(live, progress)
		if s.Guessed != "" {
			r.Notice(guessedNames(s.Guessed))
		}
		if !p.until.IsZero() {
			r.Until(p.until)
		}
		if !p.since.IsZero() {
			if err := r.Since(ctx, p.since); err != nil {
				return err
			}
		}
		if p.options.lines >= 0 {
			if err := r.Last(ctx, int64(p.options.lines)); err != nil {
				return err
			}
		}
		if p.options.follow {
			err = r.Follow(ctx, w, t.ended())
		} else {
			err = r.Copy(ctx, w)
		}
		if err == nil && s.Guessed != "" {
			err = errGuessed
		}
		return err
	}
}

// open opens the series of one stream. With --wait it is waited for.
func (t *agentTarget) open(ctx context.Context, p *printer, live string) (*remote.Series, *remote.Reader, error) {
	for waited := false; ; waited = true {
		s, err := t.agent.Open(ctx, t.sandbox.Path, live)
		var r *remote.Reader
		if err == nil {
			r, err = s.Read(ctx)
		}
		if !errors.Is(err, fs.ErrNotExist) || !p.options.wait {
			return s, r, err
		}
		if err := p.await(ctx, live, waited); err != nil {
			return nil, nil, err
		}
	}
}

// ended asks whether the container has ended; it is nil where nobody knows.
func (t *agentTarget) ended() func(context.Context) (bool, error) {
	if t.sandbox.Container == "" {
		return nil
	}
	return func(ctx context.Context) (bool, error) {
		running, err := t.agent.Running(ctx, t.sandbox.Container)
		return !running, err
	}
}
