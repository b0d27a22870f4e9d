package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"sluice/core/series"
)

const verifyHelp = `Tell whether the log of a container is whole, by reading all of it: both streams of a
sandbox, or the one live file that is named, with their rotated files.

Found are
  gap       files missing between others; the oldest go by the policy, none between
  torn      a file that ends within a line which the next one does not continue
  damaged   a compressed file that does not hold what was put into it
  lost      output that the logger itself says is missing, in marks such as
            [sluice] 2026-11-22T14:00:00.123Z lost 512 bytes in 4 lines since ...: why
            or that nobody knows how much: an unknown amount, perhaps nothing
  limit     a file over its limit, or more files than the policy keeps
  impostor  a link, directory or FIFO under a name of the log
  record    fewer bytes than the logger's record tells, where nothing was removed yet
  removed   a file that the retention took while this was going on
  zeros     rows of NUL bytes, which a power cut leaves where bytes were not on the disk yet
  guessed   neither a record nor stdout.logrotate.conf tells which files belong to the log

Another logger's sandbox is read by what that logger shows there; that it cuts lines at the
end of a file is no finding.

The log may be written to meanwhile. Marks and names are in the task's hands: this tells
what went wrong, not what a task may have done to its own log.

`

const verifyExample = `  sluice verify /var/lib/mesos/slaves/S1/frameworks/F1/executors/web/runs/latest
  sluice verify --json web.7f3a | jq '.streams[].findings'`

func newVerify() *cobra.Command {
	var stateDir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "verify [flags] TARGET",
		Short:   "Tell whether the log of a container is whole",
		Long:    verifyHelp + targetHelp + "\n\n" + exitHelp,
		Example: verifyExample,
		Args:    one("TARGET"),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := findTarget(args[0], stateDir)
			if err != nil {
				return err
			}
			defer t.close()
			v, err := t.verify(cmd)
			if err != nil {
				return err
			}
			if asJSON {
				err = printJSON(cmd, v)
			} else {
				err = v.print(cmd.OutOrStdout())
			}
			if err == nil && !v.Whole {
				err = errNotWhole
			}
			return err
		},
	}
	stateDirFlag(cmd, &stateDir)
	jsonFlag(cmd, &asJSON)
	return cmd
}

var errNotWhole = errors.New("the log is not whole")

// verified is what was found in a sandbox.
type verified struct {
	Sandbox string           `json:"sandbox"`
	Whole   bool             `json:"whole"`
	Streams []*series.Report `json:"streams"`
}

// verify verifies the streams of a target. One without any file is left out if the
// other has one.
func (t *target) verify(cmd *cobra.Command) (*verified, error) {
	names := []string{stdoutName, stderrName}
	if t.live != "" {
		names = []string{t.live}
	}
	v := &verified{Sandbox: t.path, Whole: true}
	var missing []error
	for _, live := range names {
		report, err := t.verifyStream(cmd, live)
		if errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, err)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("sandbox %q: %w", t.path, err)
		}
		v.Streams = append(v.Streams, report)
		v.Whole = v.Whole && report.Whole
	}
	if len(v.Streams) == 0 {
		return nil, fmt.Errorf("sandbox %q: %w", t.path, errors.Join(missing...))
	}
	return v, nil
}

func (t *target) verifyStream(cmd *cobra.Command, live string) (*series.Report, error) {
	s, shown, err := t.series(live)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	expected := series.Expected{LimitBytes: shown.LimitBytes, Kept: s.Guessed == "", Cuts: shown.Foreign}
	if r := t.record(live); r != nil {
		a := r.GetAccounting()
		expected.Account = &series.Account{
			Rotations: a.GetRotations(), WrittenBytes: a.GetWrittenBytes(),
			LiveInode: a.GetLiveInode(), CarriedBytes: a.GetCarriedBytes(),
		}
	}
	return s.Verify(cmd.Context(), expected)
}

// print writes a line for each stream, and below it what was found.
func (v *verified) print(w io.Writer) error {
	for _, report := range v.Streams {
		state := "whole"
		if !report.Whole {
			state = paint(w, red, "NOT WHOLE")
		}
		if _, err := fmt.Fprintf(w, "%s: %s, %d files, %d bytes, %d lines\n", report.Live, state, len(report.Files), report.Bytes, report.Newlines); err != nil {
			return err
		}
		for _, finding := range report.Findings {
			about := ""
			if finding.File != "" {
				about = finding.File + ": "
			}
			if _, err := fmt.Fprintf(w, "  %-8s  %s\n", finding.Kind, printable(about+finding.Text)); err != nil {
				return err
			}
		}
		if report.MoreFindings > 0 {
			if _, err := fmt.Fprintf(w, "  and %d more findings\n", report.MoreFindings); err != nil {
				return err
			}
		}
		if report.Marks > 0 {
			if _, err := fmt.Fprintf(w, "  in all, %d marks tell of %d bytes lost in %d lines%s\n", report.Marks, report.LostBytes, report.LostLines, unknown(report)); err != nil {
				return err
			}
		}
		for _, note := range report.Notes {
			if _, err := fmt.Fprintf(w, "  note: %s\n", printable(note)); err != nil {
				return err
			}
		}
	}
	return nil
}

// unknown is what marks without figures add to the sum of the others.
func unknown(report *series.Report) string {
	if report.LostUnknown == 0 {
		return ""
	}
	return fmt.Sprintf(", %d of them of an unknown amount", report.LostUnknown)
}
