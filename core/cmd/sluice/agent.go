package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sluice/core/remote"
	"strings"

	"github.com/spf13/cobra"
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

// find asks the agent what a name means.
func (o *agentOptions) find(ctx context.Context, name string) (*agentTarget, error) {
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
	sandbox, err := agent.Find(ctx, name)
	if err != nil {
		return nil, err
	}
	return &agentTarget{agent, sandbox}, nil
}

// printer prints the streams of a sandbox at an agent.
func (t *agentTarget) printer(p *printer) func(context.Context, string, io.Writer) error {
	return func(ctx context.Context, live string, w io.Writer) error {
		s, err := t.agent.Open(ctx, t.sandbox.Path, live)
		if err != nil {
			return err
		}
		r, err := s.Read(ctx)
		if err != nil {
			return err
		}
		progress := newProgress(p.out, p.errOut)
		defer progress.clear()
		r.Progress, r.Notice = progress.show, p.notice(live, progress)
		if !p.since.IsZero() {
			if err := r.Since(ctx, p.since); err != nil {
				return err
			}
		}
		if p.options.lines >= 0 {
			if err := r.Last(ctx, p.options.lines); err != nil {
				return err
			}
		}
		if p.options.follow {
			return r.Follow(ctx, w, t.ended())
		}
		return r.Copy(ctx, w)
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
