package main

import (
	"slices"
	"time"
)

// Run is what one run of one logger at one work gave.
type Run struct {
	Work, Logger string
	// Streams that the logger served.
	Streams int
	// Wall is the time from the first write to the return of the last. A logger may
	// have a pipe full of bytes left then, no more.
	Wall          time.Duration
	Bytes, Writes int64
	// WriterCPU is what the writing process used, LongestWrite its longest write(2).
	WriterCPU    time.Duration
	LongestWrite time.Duration `json:",omitempty"`

	// What the logger used between the two looks: before the first write and when
	// it had become quiet after the last. User and system time together, without
	// the writer's; where it starts processes, with those that it waited for.
	LoggerCPU              time.Duration
	Voluntary, Involuntary int64
	// What the logger has at the end: its share of memory (Pss), threads, processes.
	PssBytes  int64
	Threads   int
	Processes int `json:",omitempty"`
	// The same with one container only, where the work asks for that (idle).
	BasePssBytes int64 `json:",omitempty"`
	BaseThreads  int   `json:",omitempty"`

	// Prepares are the times from the request for a container's streams until they
	// could be written to: of many the percentiles, see percentiles.
	Prepares []time.Duration `json:",omitempty"`
	// Calls are the system calls, counted in a run of their own with strace.
	Calls map[string]int64 `json:",omitempty"`
}

// Stat is the middle and the ends of what the repetitions gave.
type Stat struct{ Median, Min, Max float64 }

func statOf(values []float64) Stat {
	if len(values) == 0 {
		return Stat{}
	}
	slices.Sort(values)
	middle := len(values) / 2
	median := values[middle]
	if len(values)%2 == 0 {
		median = (values[middle-1] + values[middle]) / 2
	}
	return Stat{median, values[0], values[len(values)-1]}
}

// Figure takes one number out of a run.
type Figure func(Run) float64

func perSecond(r Run) float64    { return float64(r.Writes) / r.Wall.Seconds() }
func megabytes(r Run) float64    { return float64(r.Bytes) / 1e6 / r.Wall.Seconds() }
func wall(r Run) float64         { return r.Wall.Seconds() }
func cpu(r Run) float64          { return r.LoggerCPU.Seconds() }
func writerCPU(r Run) float64    { return r.WriterCPU.Seconds() }
func switches(r Run) float64     { return float64(r.Voluntary + r.Involuntary) }
func pssMB(r Run) float64        { return float64(r.PssBytes) / 1e6 }
func threads(r Run) float64      { return float64(r.Threads) }
func processes(r Run) float64    { return float64(r.Processes) }
func longestMS(r Run) float64    { return r.LongestWrite.Seconds() * 1e3 }
func cpuNSPerByte(r Run) float64 { return float64(r.LoggerCPU.Nanoseconds()) / float64(r.Bytes) }
func cpuUSPerWrite(r Run) float64 {
	return r.LoggerCPU.Seconds() * 1e6 / float64(r.Writes)
}

func kibPerStream(r Run) float64 {
	return float64(r.PssBytes-r.BasePssBytes) / 1024 / float64(r.Streams)
}

func threadsPerStream(r Run) float64 {
	return float64(r.Threads-r.BaseThreads) / float64(r.Streams)
}

func processesPerStream(r Run) float64 { return float64(r.Processes) / float64(r.Streams) }

// quantileUS is the q-quantile of the times to prepare, in microseconds.
func quantileUS(q float64) Figure {
	return func(r Run) float64 {
		if len(r.Prepares) == 0 {
			return 0
		}
		sorted := slices.Sorted(slices.Values(r.Prepares))
		at := min(int(q*float64(len(sorted))), len(sorted)-1)
		return float64(sorted[at].Nanoseconds()) / 1e3
	}
}

// percentiles gives the 0th to the 100th of many times, and few as they are: figures and
// plots need no more.
func percentiles(times []time.Duration) []time.Duration {
	const most = 101
	if len(times) <= most {
		return times
	}
	sorted := slices.Sorted(slices.Values(times))
	kept := make([]time.Duration, most)
	for i := range kept {
		kept[i] = sorted[min(i*len(sorted)/(most-1), len(sorted)-1)]
	}
	return kept
}

// Results are all the runs, with what is needed to read them.
type Results struct {
	Machine     Machine
	Repetitions int
	Size        size
	Runs        []Run `json:"-"`
	LeftOut     []string
}

// of gives the runs of one logger at one work, in order.
func (r *Results) of(work, logger string) []Run {
	var runs []Run
	for _, run := range r.Runs {
		if run.Work == work && run.Logger == logger {
			runs = append(runs, run)
		}
	}
	return runs
}

// stat is a figure of one logger at one work; ok is false where there is no run.
func (r *Results) stat(work, logger string, figure Figure) (s Stat, ok bool) {
	var values []float64
	for _, run := range r.of(work, logger) {
		values = append(values, figure(run))
	}
	return statOf(values), len(values) > 0
}

// loggers gives the names of those that ran at a work, in the order of the suite.
func (r *Results) loggers(work string) []string {
	var names []string
	for _, run := range r.Runs {
		if run.Work == work && !slices.Contains(names, run.Logger) {
			names = append(names, run.Logger)
		}
	}
	return names
}
