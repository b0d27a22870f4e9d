package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice/tests/kit"
)

// sample is what an owner has and says at one moment.
type sample struct {
	at          time.Duration
	generation  int
	descriptors int
	threads     int
	rssBytes    int64
	figures
}

type samples []sample

func sampleOf(pid int, at time.Duration, generation int, f figures) sample {
	return sample{
		at: at, generation: generation, figures: f,
		descriptors: kit.Entries(fmt.Sprintf("/proc/%d/fd", pid)),
		threads:     kit.Entries(fmt.Sprintf("/proc/%d/task", pid)),
		rssBytes:    rssOf(pid),
	}
}

// rssOf is the memory of a process that is its own: pages of files come and go as the
// kernel likes (proc(5), status).
func rssOf(pid int) int64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := bytes.Cut(status, []byte("RssAnon:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kilobytes, _ := strconv.ParseInt(string(fields[0]), 10, 64)
	return kilobytes << 10
}

// curve is a figure over the time, with what its median may grow by: at all, and for each
// compression more that waits. Figures of the load are shown and not compared: they tell
// how busy the machine is.
type curve struct {
	name, unit            string
	value                 func(sample) float64
	ratio, add, perQueued float64
	load                  bool
}

// queuedMB is what a compression that waits takes, and what the collector leaves beside.
const queuedMB = 4.0 / 1024

// The memory of a Go program swings with its collections. Threads that the runtime has
// started stay; it may need one more at a time that is busier than any before.
var curves = []curve{
	{"descriptors", "", func(s sample) float64 { return float64(s.descriptors) }, 0.02, 8, 0, false},
	{"threads", "", func(s sample) float64 { return float64(s.threads) }, 0, 4, 0, false},
	{"goroutines", "", func(s sample) float64 { return float64(s.Goroutines) }, 0, 8, 0, false},
	{"memory", "MB", func(s sample) float64 { return float64(s.rssBytes) / (1 << 20) }, 0.1, 4, queuedMB, false},
	{"heap", "MB", func(s sample) float64 { return float64(s.HeapBytes) / (1 << 20) }, 0.1, 4, queuedMB, false},
	{"streams", "", func(s sample) float64 { return float64(s.Streams) }, 0, 0, 0, true},
	{"compressions", "queued", compressionsOf, 0, 0, 0, true},
	{"launch", "ms at most", func(s sample) float64 { return s.PrepareTime.Seconds() * 1000 }, 0, 0, 0, true},
}

func compressionsOf(s sample) float64 { return float64(s.Compressions) }

// quarter is the median of a figure in one quarter of the samples, counted from 0.
func quarter[T any](all []T, n int, value func(T) float64) float64 {
	part := all[len(all)*n/4 : len(all)*(n+1)/4]
	values := make([]float64, 0, len(part))
	for _, s := range part {
		values = append(values, value(s))
	}
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// faults is how many one owner has met.
func (all samples) faults() (most int64) {
	for _, s := range all {
		most = max(most, s.Panics)
	}
	return most
}

// flat says which figures have grown from the second quarter to the last by more than
// the streams have: in a short time, or on a busy machine, their number is not there yet.
func (all samples) flat() (err error) {
	streams := func(s sample) float64 { return float64(max(s.Streams, 1)) }
	grown := max(1, quarter(all, 3, streams)/max(1, quarter(all, 1, streams)))
	more := max(0, quarter(all, 3, compressionsOf)-quarter(all, 1, compressionsOf))
	for _, c := range curves {
		second, last := quarter(all, 1, c.value), quarter(all, 3, c.value)
		if most := second*grown*(1+c.ratio) + c.add + more*c.perQueued; !c.load && last > most {
			err = errors.Join(err, fmt.Errorf("%s: %.1f %s in the last quarter, %.1f in the second; at most %.1f was expected",
				c.name, last, c.unit, second, most))
		}
	}
	return err
}

func (all samples) summary() string {
	var text strings.Builder
	for _, c := range curves {
		fmt.Fprintf(&text, "%-12s  second quarter %8.1f, last quarter %8.1f %s\n", c.name, quarter(all, 1, c.value), quarter(all, 3, c.value), c.unit)
	}
	if len(all) > 0 {
		last := all[len(all)-1]
		fmt.Fprintf(&text, "the last owner: %d containers, %d forks, %d rotations, %d faults, %d MB\n",
			last.Launched, last.Forks, last.Rotations, all.faults(), last.InBytes>>20)
	}
	return text.String()
}

func (all samples) rows() [][]string {
	rows := [][]string{{"seconds", "owner"}}
	for _, c := range curves {
		rows[0] = append(rows[0], c.name)
	}
	rows[0] = append(rows[0], "bytes_in", "bytes_written", "bytes_dropped")
	for _, s := range all {
		row := []string{fmt.Sprintf("%.2f", s.at.Seconds()), strconv.Itoa(s.generation)}
		for _, c := range curves {
			row = append(row, strconv.FormatFloat(c.value(s), 'f', -1, 64))
		}
		rows = append(rows, append(row, fmt.Sprint(s.InBytes), fmt.Sprint(s.WrittenBytes), fmt.Sprint(s.DroppedBytes)))
	}
	return rows
}

// save writes the tables and the plot.
func save(dir string, all samples, results rounds) error {
	return errors.Join(
		saveTable(filepath.Join(dir, "soak.csv"), all.rows()),
		saveTable(filepath.Join(dir, "rounds.csv"), results.rows()),
		os.WriteFile(filepath.Join(dir, "soak.svg"), plot(all), 0o644),
	)
}

func saveTable(path string, rows [][]string) error {
	var text bytes.Buffer
	if err := csv.NewWriter(&text).WriteAll(rows); err != nil {
		return err
	}
	return os.WriteFile(path, text.Bytes(), 0o644)
}
