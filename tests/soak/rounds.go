package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"sluice/core/settings"
	"sluice/tests/kit"
)

// roundContainers is how many containers a round of the harness has.
const roundContainers = 40

// round is one run of the harness: containers from beginning to end in one process.
type round struct {
	report
	seconds float64
	bytes   int64
}

type rounds []round

// report is what the harness says with --json, as far as it is looked at here.
type report struct {
	Containers []struct {
		Sandbox    string `json:"sandbox"`
		Error      string `json:"error"`
		ExitStatus int    `json:"exit_status"`
	} `json:"containers"`
	PeakRSSBytes float64            `json:"peak_rss_bytes"`
	Threads      map[string]int     `json:"threads"`
	Descriptors  map[string]int     `json:"descriptors"`
	Metrics      map[string]float64 `json:"metrics"`
}

// runningRounds does rounds until it is told to finish.
type runningRounds struct {
	stop   chan struct{}
	done   chan struct{}
	result rounds
	err    error
}

func startRounds(o options, dir string) *runningRounds {
	r := &runningRounds{stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(r.done)
		for n := 1; r.err == nil; n++ {
			select {
			case <-r.stop:
				return
			default:
			}
			one, err := runRound(o, dir, n)
			r.result, r.err = append(r.result, one), err
		}
	}()
	return r
}

// finish waits for the round that is under way.
func (r *runningRounds) finish() (rounds, error) {
	close(r.stop)
	<-r.done
	if r.err != nil {
		return r.result, fmt.Errorf("round %d of the harness: %w", len(r.result), r.err)
	}
	return r.result, nil
}

func runRound(o options, dir string, n int) (one round, err error) {
	library, err := filepath.Abs(filepath.Join(o.build, "libsluice_container_logger.so"))
	if err != nil {
		return one, err
	}
	self, err := os.Executable()
	if err != nil {
		return one, err
	}
	const module = "org_apache_mesos_LogrotateContainerLogger"
	parameters := []map[string]string{}
	for _, p := range append([]settings.Parameter{{Key: "state_dir", Value: dir + "-state"}}, limits...) {
		parameters = append(parameters, map[string]string{"key": p.Key, "value": p.Value})
	}
	manifest, err := json.Marshal(map[string]any{"libraries": []any{map[string]any{
		"file":    library,
		"modules": []any{map[string]any{"name": module, "parameters": parameters}},
	}}})
	if err != nil {
		return one, err
	}
	begin := time.Now()
	// All containers of a round write the same, which is of no matter here.
	id := "round" + strconv.Itoa(n)
	cmd := exec.CommandContext(context.Background(), filepath.Join(o.build, "sluice-harness"),
		"--modules="+string(manifest), "--container_logger="+module,
		"--work_dir="+dir, "--json", "--logging_level=WARNING", "--containers="+strconv.Itoa(roundContainers),
		"--", self, kit.ContainRole, id, (o.life() / 4).String())
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return one, err
	}
	if err := json.Unmarshal(out, &one.report); err != nil {
		return one, err
	}
	one.seconds = time.Since(begin).Seconds()
	return one, errors.Join(one.check(id), os.RemoveAll(dir))
}

// check compares every sandbox and the metrics with what the containers wrote.
func (r *round) check(id string) error {
	for _, container := range r.Containers {
		if container.Error != "" || container.ExitStatus != 0 {
			return fmt.Errorf("a container ended with status %d: %s", container.ExitStatus, container.Error)
		}
		for _, stream := range []string{"stdout", "stderr"} {
			files, err := kit.Series(container.Sandbox, stream)
			if err != nil {
				return err
			}
			got := kit.Join(files)
			if want := text(id, stream); string(got) != string(want) {
				return fmt.Errorf("%s/%s has %d bytes, and is not the %d that were written", container.Sandbox, stream, len(got), len(want))
			}
			r.bytes += int64(len(got))
		}
	}
	in, written, dropped := r.Metrics["sluice/bytes_in"], r.Metrics["sluice/bytes_written"], r.Metrics["sluice/bytes_dropped"]
	if int64(in) != r.bytes || in != written+dropped || dropped != 0 || r.Metrics["sluice/panics"] != 0 {
		return fmt.Errorf("%.0f bytes in, %.0f written, %.0f dropped; the containers wrote %d", in, written, dropped, r.bytes)
	}
	return nil
}

// roundCurves are compared from round to round; every round is a process of its own.
var roundCurves = []struct {
	name  string
	value func(round) float64
	most  float64 // growth
}{
	{"threads_peak", func(r round) float64 { return float64(r.Threads["peak"]) }, 6},
	{"descriptors_left", func(r round) float64 { return float64(r.Descriptors["after"] - r.Descriptors["before"]) }, 4},
	{"goroutines", func(r round) float64 { return r.Metrics["sluice/goroutines"] }, 8},
	{"peak_rss_mb", func(r round) float64 { return r.PeakRSSBytes / (1 << 20) }, 12},
}

func (all rounds) flat() (err error) {
	for _, c := range roundCurves {
		second, last := quarter(all, 1, c.value), quarter(all, 3, c.value)
		if len(all) >= 4 && last > second+c.most {
			err = errors.Join(err, fmt.Errorf("harness: %s: %.1f in the last quarter, %.1f in the second", c.name, last, second))
		}
	}
	return err
}

func (all rounds) rows() [][]string {
	rows := [][]string{{"round", "seconds", "bytes"}}
	for _, c := range roundCurves {
		rows[0] = append(rows[0], c.name)
	}
	for i, r := range all {
		row := []string{strconv.Itoa(i + 1), fmt.Sprintf("%.2f", r.seconds), strconv.FormatInt(r.bytes, 10)}
		for _, c := range roundCurves {
			row = append(row, strconv.FormatFloat(c.value(r), 'f', -1, 64))
		}
		rows = append(rows, row)
	}
	return rows
}

func (all rounds) containers() int { return len(all) * roundContainers }

func (all rounds) bytes() (total int64) {
	for _, r := range all {
		total += r.bytes
	}
	return total
}
