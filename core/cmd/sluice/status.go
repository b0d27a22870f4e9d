package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sluice/core/control"
	"sluice/core/series"
	"sluice/core/settings"
)

const statusHelp = `Show what is done with the output of the running containers: how fast it comes, what was
written and dropped, the files it has, when it was rotated last, and whether the disk
holds the container back.

Who serves the state directory is asked, the agent or the keeper in its place. Where
nobody does, the records tell; the containers then wait as soon as their pipes are full,
and the exit status is 1.

With --watch the table is drawn anew every --interval, fastest first, until q or Ctrl-C.
A table on a terminal leaves out what does not fit; elsewhere it is whole. State is
  served    written as it comes
  blocked   the disk fails or is full, and the container waits for it
  dropping  the disk stays full or fails: what comes is counted and thrown away
  waiting   nobody serves the stream

`

const statusExample = `  sluice status
  sluice status --watch
  sluice status --json | jq '.streams[] | select(.dropped_bytes > 0) | .container'`

// statusOptions are the flags of `sluice status`.
type statusOptions struct {
	stateDir string
	watch    bool
	asJSON   bool
	interval span
}

// sampleTime is between the two looks that a rate is told from where nobody watches.
const sampleTime = 300 * time.Millisecond

func newStatus() *cobra.Command {
	o := &statusOptions{interval: span(time.Second)}
	cmd := &cobra.Command{
		Use:     "status [flags]",
		Short:   "Show what is done with the output of the running containers",
		Long:    statusHelp + exitHelp,
		Example: statusExample,
		Args:    none,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	stateDirFlag(cmd, &o.stateDir)
	jsonFlag(cmd, &o.asJSON)
	cmd.Flags().BoolVarP(&o.watch, "watch", "w", false, "draw the table anew until q or Ctrl-C; with --json, print a line each time")
	cmd.Flags().Var(&o.interval, "interval", "how often")
	return cmd
}

func (o *statusOptions) run(cmd *cobra.Command) error {
	if time.Duration(o.interval) < 100*time.Millisecond {
		return usagef("--interval=%s: expected at least 100ms", o.interval.String())
	}
	out := cmd.OutOrStdout()
	switch {
	case o.watch && o.asJSON:
		return o.watchJSON(cmd, out)
	case o.watch && !isTerminal(out):
		return usagef("--watch draws on a terminal, which the output is not; expected --json with it, or no --watch")
	case o.watch && dumb():
		return usagef("--watch draws on a terminal, and TERM=dumb says that this one cannot be drawn on; expected --json with it, or no --watch")
	}
	first, err := look(cmd.Context(), o.stateDir)
	if err != nil {
		return err
	}
	if o.watch {
		return watch(cmd.Context(), out.(*os.File), o, first)
	}
	status := first
	if first.Owner != nil && len(first.Streams) > 0 {
		time.Sleep(sampleTime)
		if status, err = look(cmd.Context(), o.stateDir); err != nil {
			return err
		}
		status.since(first)
	}
	if o.asJSON {
		err = printJSON(cmd, status)
	} else {
		err = status.print(out)
	}
	if err != nil {
		return closedOutput(err)
	}
	return status.problem()
}

// watchJSON prints a line each time, until the output is closed.
func (o *statusOptions) watchJSON(cmd *cobra.Command, out io.Writer) error {
	var before *status
	for {
		now, err := look(cmd.Context(), o.stateDir)
		if err != nil {
			return err
		}
		now.since(before)
		if err := writeJSON(out, now, ""); err != nil {
			return closedOutput(err)
		}
		before = now
		select {
		case <-cmd.Context().Done():
			return nil
		case <-time.After(time.Duration(o.interval)):
		}
	}
}

// MarshalJSON gives times as people and other languages read them: RFC 3339 and milliseconds.
// Between the owner and the command they are nanoseconds, more than a number of JSON holds
// in many languages.
func (s streamStatus) MarshalJSON() ([]byte, error) {
	type hidden *struct{}
	return json.Marshal(struct {
		control.Stream
		RateBytes        *int64       `json:"rate_bytes,omitempty"`
		LastRotation     *series.Time `json:"last_rotation,omitempty"`
		Created          *series.Time `json:"created,omitempty"`
		LongestBlockedMS int64        `json:"longest_blocked_ms,omitempty"`

		NoLastRotation   hidden `json:"last_rotation_unix_nano,omitempty"`
		NoCreated        hidden `json:"created_unix_nano,omitempty"`
		NoLongestBlocked hidden `json:"longest_blocked_nanos,omitempty"`
	}{
		Stream: s.Stream, RateBytes: s.RateBytes,
		LastRotation: moment(s.LastRotationUnixNano), Created: moment(s.CreatedUnixNano),
		LongestBlockedMS: time.Duration(s.LongestBlockedNanos).Milliseconds(),
	})
}

// moment is a time for JSON, nil for none.
func moment(unixNano int64) *series.Time {
	if unixNano == 0 {
		return nil
	}
	t := series.Time(time.Unix(0, unixNano))
	return &t
}

// printedHead is who serves, with its time as people read it.
type printedHead struct{ control.Head }

// MarshalJSON is explained at streamStatus.
func (h printedHead) MarshalJSON() ([]byte, error) {
	type hidden *struct{}
	return json.Marshal(struct {
		control.Head
		At   *series.Time `json:"at,omitempty"`
		NoAt hidden       `json:"unix_nano,omitempty"`
	}{Head: h.Head, At: moment(h.UnixNano)})
}

// status is what is known of a state directory at one instant.
type status struct {
	StateDir string `json:"state_dir"`
	// Owner is nil where nobody serves; the figures are then those of the records.
	Owner   *printedHead   `json:"owner"`
	Streams []streamStatus `json:"streams"`
	at      time.Time
}

type streamStatus struct {
	control.Stream
	// RateBytes came per second since the look before; nil where there was none.
	RateBytes *int64 `json:"rate_bytes,omitempty"`
}

// look asks the owner, or reads the records.
func look(ctx context.Context, stateDir string) (*status, error) {
	found, err := readRecords(stateDir)
	if err != nil {
		return nil, withoutStateDir(stateDir, err)
	}
	defer found.close()
	s := &status{StateDir: stateDir, Streams: []streamStatus{}, at: time.Now()}
	conn, err := control.Dial(ctx, found.view)
	if errors.Is(err, control.ErrNoOwner) {
		tasks := podTasks{}
		for _, figures := range found.figures() {
			tasks.name(&figures)
			s.Streams = append(s.Streams, streamStatus{Stream: figures})
		}
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	head, streams, err := control.Status(conn)
	if err != nil {
		return nil, fmt.Errorf("state_dir %q: %w", stateDir, err)
	}
	s.Owner, s.at = &printedHead{head}, time.Unix(0, head.UnixNano)
	for _, figures := range streams {
		s.Streams = append(s.Streams, streamStatus{Stream: figures})
	}
	tasks := podTasks{}
	for i := range s.Streams {
		tasks.name(&s.Streams[i].Stream)
	}
	slices.SortFunc(s.Streams, func(a, b streamStatus) int {
		return strings.Compare(a.Container+" "+b.Stream.Stream, b.Container+" "+a.Stream.Stream) // stdout first
	})
	return s, nil
}

// withoutStateDir says what to do where there is nothing to see.
func withoutStateDir(stateDir string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no state_dir %q: no agent has used it; name the agent's with --state_dir: %w", stateDir, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("state_dir %q is for its owner alone; become root: %w", stateDir, err)
	}
	return err
}

// since tells the rates since the look before.
func (s *status) since(before *status) {
	if before == nil {
		return
	}
	seconds := s.at.Sub(before.at).Seconds()
	earlier := map[string]int64{}
	for _, stream := range before.Streams {
		earlier[stream.ID] = stream.InBytes
	}
	for i, stream := range s.Streams {
		if from, ok := earlier[stream.ID]; ok && seconds > 0 && stream.InBytes >= from {
			rate := int64(float64(stream.InBytes-from) / seconds)
			s.Streams[i].RateBytes = &rate
		}
	}
}

// problem is what makes the exit status 1.
func (s *status) problem() error {
	switch {
	case s.Owner != nil:
		return nil
	case len(s.Streams) == 0:
		return fmt.Errorf("%w %q, and no container of this boot has its record there; name the agent's directory with --state_dir, or start the agent",
			control.ErrNoOwner, s.StateDir)
	default:
		return fmt.Errorf("%w %q: the figures are those of the records, and %s wait when their pipes are full; "+
			"start the agent, or a keeper with sluice keep", control.ErrNoOwner, s.StateDir, countStreams(len(s.Streams)))
	}
}

// title is the line above the table.
func (s *status) title() string {
	var rate int64
	for _, stream := range s.Streams {
		if stream.RateBytes != nil {
			rate += *stream.RateBytes
		}
	}
	who := "nobody serves " + s.StateDir
	if s.Owner != nil {
		who = fmt.Sprintf("%s (process %d, sluice %s)", printable(s.Owner.Process), s.Owner.PID, printable(s.Owner.Sluice))
	}
	streams := countStreams(len(s.Streams))
	if s.Owner == nil {
		return fmt.Sprintf("%s: %s by the records", who, streams)
	}
	return fmt.Sprintf("%s: %s, %s/s", who, streams, settings.ShortSize(rate))
}

func countStreams(n int) string {
	if n == 1 {
		return "1 stream"
	}
	return fmt.Sprintf("%d streams", n)
}

// print writes the title and the whole table, or what fits on the terminal.
func (s *status) print(out io.Writer) error {
	width, _ := terminalSize(out)
	if _, err := fmt.Fprintln(out, clip(s.title(), width)); err != nil {
		return err
	}
	for _, line := range s.table(out, width, s.at) {
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}
