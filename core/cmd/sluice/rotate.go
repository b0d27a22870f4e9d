package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"sluice/core/control"
	"sluice/core/settings"
)

const rotateHelp = `Rotate the log of a running container now, whatever its size: both streams, or the one
live file that is named. Who serves the state directory does it, the agent or the keeper
in its place; lines stay whole, and an empty file stays as it is.

`

func newRotate() *cobra.Command {
	var stateDir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "rotate [flags] TARGET",
		Short: "Rotate the log of a running container now",
		Long:  rotateHelp + targetHelp + "\n\n" + exitHelp,
		Example: `  sluice rotate web.7f3a
  sluice rotate /var/lib/mesos/slaves/S1/frameworks/F1/executors/web/runs/latest/stdout`,
		Args: one("TARGET"),
		RunE: func(cmd *cobra.Command, args []string) error {
			done, err := rotate(cmd.Context(), args[0], stateDir)
			if err != nil {
				return err
			}
			if asJSON {
				err = printJSON(cmd, done)
			} else {
				err = printRotated(cmd.OutOrStdout(), done)
			}
			if err != nil {
				return closedOutput(err)
			}
			return notRotated(done)
		},
	}
	stateDirFlag(cmd, &stateDir)
	jsonFlag(cmd, &asJSON)
	return cmd
}

// rotatedStream is what became of one stream.
type rotatedStream struct {
	Container string `json:"container"`
	Stream    string `json:"stream"`
	control.Rotated
}

// rotate has the owner rotate the streams that a name means.
func rotate(ctx context.Context, name, stateDir string) ([]rotatedStream, error) {
	t, err := findTarget(name, stateDir)
	if err != nil {
		return nil, err
	}
	defer t.close()
	if t.records == nil {
		_, err := readRecords(stateDir)
		return nil, withoutStateDir(stateDir, err)
	}
	var ids []string
	var streams []rotatedStream
	for _, s := range t.streams {
		if t.live == "" || t.live == s.GetStream() {
			ids = append(ids, s.id)
			streams = append(streams, rotatedStream{Container: s.GetContainerId(), Stream: s.GetStream()})
		}
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("%s: no stream of a container that runs with this logger has its files there; "+
			"the log of one that has ended, or that runs with another logger, is not rotated from here", name)
	}
	conn, err := control.Dial(ctx, t.records.view)
	if errors.Is(err, control.ErrNoOwner) {
		return nil, fmt.Errorf("%w: only who serves a log can rotate it; start the agent, or a keeper with sluice keep", err)
	}
	if err != nil {
		return nil, err
	}
	_, results, err := control.Rotate(conn, ids)
	if err != nil {
		return nil, err
	}
	if len(results) != len(ids) {
		return nil, fmt.Errorf("the owner answers for %d streams; expected %d", len(results), len(ids))
	}
	for i := range results {
		streams[i].Rotated = results[i]
	}
	return streams, nil
}

func printRotated(out io.Writer, done []rotatedStream) error {
	for _, s := range done {
		what := fmt.Sprintf("rotated to %s, %s", printable(s.Name), settings.ShortSize(s.Bytes))
		switch {
		case s.Error != "":
			what = "not rotated: " + printable(s.Error)
		case s.Bytes == 0:
			what = "not rotated: there is nothing in it"
		case s.Name == "":
			what = fmt.Sprintf("removed by rotate 0, %s", settings.ShortSize(s.Bytes))
		}
		if _, err := fmt.Fprintf(out, "%s %s: %s\n", printable(s.Container), s.Stream, what); err != nil {
			return err
		}
	}
	return nil
}

// notRotated is the error where a stream with something in it was not rotated.
func notRotated(done []rotatedStream) error {
	for _, s := range done {
		if s.Error != "" {
			return fmt.Errorf("%s of container %s was not rotated", s.Stream, printable(s.Container))
		}
	}
	return nil
}
