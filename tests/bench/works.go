package main

import (
	"fmt"
	"slices"
	"time"
)

// size is how much of each work is done.
type size struct {
	BulkBytes, LineBytes int64 // (a), (b)
	Seconds              int64 // (c), (f), (g)
	ChattyStreams        int64 // (c)
	IdleContainers       int   // (d)
	IdlePeers            int   // (d), of the loggers that have processes
	IdleSeconds          int64 // (d)
	Prepares             int   // (e)
	PeerPrepares         int   // (e)
	ManyStreams          []int // (g)
	ManyAtLeast          int64 // (g), seconds
	ManyPeers            int   // (g), streams up to which the peers are measured
}

// What the harness needs of descriptors: where the hard limit gives less than
// 5,000 streams need, there are fewer.
const (
	descriptorsPerStream = 4
	descriptorsOfTheRest = 600
)

// lineBytes is the length of every line.
const lineBytes = 100

// fullSize is what the targets are about.
func fullSize(scale float64) size {
	most := min(5000, int(descriptorLimit()-descriptorsOfTheRest)/descriptorsPerStream/100*100)
	part := func(n int64) int64 { return max(1, int64(float64(n)*scale)) }
	return size{
		BulkBytes: part(2_000_000_000), LineBytes: part(5_000_000) * lineBytes,
		Seconds: part(20), ChattyStreams: 200,
		IdleContainers: 1000, IdlePeers: 20, IdleSeconds: part(10),
		Prepares: 1000, PeerPrepares: 20,
		ManyStreams: []int{10, 100, 1000, most}, ManyPeers: 1000, ManyAtLeast: 4,
	}
}

func quickSize() size {
	return size{
		BulkBytes: 500_000_000, LineBytes: 500_000 * lineBytes,
		Seconds: 2, ChattyStreams: 200,
		IdleContainers: 200, IdlePeers: 10, IdleSeconds: 2,
		Prepares: 200, PeerPrepares: 3,
		ManyStreams: []int{10, 1000}, ManyPeers: 10, ManyAtLeast: 2,
	}
}

// Work is something that loggers are given to do.
type Work struct {
	ID string
	// Title for the document; Writes says what a write is.
	Title string
	// Loggers that do it, by name; nil: all.
	Loggers []string
	run     func(b *bench, l Logger) (Run, error)
}

// works lists what is done, in order.
func works(z size) []Work {
	list := []Work{
		{ID: "a", Title: fmt.Sprintf("Bulk: one stream, %.1f GB in writes of 64 KiB, flat out", float64(z.BulkBytes)/1e9), run: streaming(streams{
			program: "bench-flatout", count: 1, check: true,
			arguments: []string{number("bytes", z.BulkBytes), number("line", 128), number("write", 65536)},
		})},
		{ID: "b", Title: fmt.Sprintf("Lines: one stream, %.1f million lines of 100 bytes, one write each, flat out", float64(z.LineBytes)/lineBytes/1e6), run: streaming(streams{
			program: "bench-flatout", count: 1, check: true,
			arguments: []string{number("bytes", z.LineBytes), number("line", lineBytes)},
		})},
		{
			ID: "c", Title: fmt.Sprintf("Chatty: %d streams, 500 lines/s each, %d s", z.ChattyStreams, z.Seconds),
			Loggers: []string{pausedName, sluiceName, s6Name, "svlogd", rotateName, "cat"},
			run:     streaming(paced(z.ChattyStreams, 500, z.Seconds)),
		},
		{
			ID: "d", Title: fmt.Sprintf("Idle: containers that write nothing, both streams, %d s", z.IdleSeconds),
			Loggers: []string{sluiceName, s6Name, rotateName, originalName},
			run:     func(b *bench, l Logger) (Run, error) { return idle(b, l, z) },
		},
		{
			ID: "e", Title: "Prepare: from the request for a container's two streams until they can be written to",
			Loggers: []string{sluiceName, s6Name, rotateName, originalName},
			run:     func(b *bench, l Logger) (Run, error) { return prepare(b, l, z) },
		},
		{
			ID: "e-tmpfs", Title: "The same with sandboxes on a tmpfs", Loggers: []string{sluiceName},
			run: func(b *bench, l Logger) (Run, error) { return prepareInMemory(b, l, z) },
		},
		{
			ID: "e-forks", Title: "The same with each task started before the next container is prepared", Loggers: []string{sluiceName},
			run: func(b *bench, l Logger) (Run, error) { return prepareBetweenForks(b, l, z) },
		},
		{
			ID: "f", Title: fmt.Sprintf("Blocked: the longest write(2) of one stream, 5,000 writes of 4 kB a second for %d s, while files are rotated and compressed", z.Seconds/2+1),
			Loggers: []string{eagerName, sluiceName, s6Name, "multilog", rotateName, "copytruncate", originalName},
			run: streaming(streams{
				program: "bench-paced", count: 1, compress: true,
				arguments: []string{number("streams", 1), number("rate", 5000), number("write", 4000), number("seconds", z.Seconds/2+1)},
			}),
		},
	}
	return append(list, manyStreams(z)...)
}

// patientDelay is a max_delay that leaves thousands of streams to the budget of
// wake-ups, where the default of 100 ms asks for more.
const patientDelay = "3secs"

// manyStreams are the works of (g): the same total rate over more and more streams.
func manyStreams(z size) []Work {
	seconds := max(z.Seconds/2+1, z.ManyAtLeast)
	var list []Work
	for _, count := range z.ManyStreams {
		with := []string{sluiceName}
		if count <= z.ManyPeers {
			with = append(with, s6Name)
		}
		work := paced(int64(count), 100_000/int64(count), seconds)
		title := fmt.Sprintf("Many: 100,000 lines/s over %d streams, %d s", count, seconds)
		list = append(list, Work{ID: fmt.Sprintf("g%d", count), Title: title, Loggers: with, run: streaming(work)})
	}
	most := int64(slices.Max(z.ManyStreams))
	patient := paced(most, 100_000/most, 3*seconds)
	patient.maxDelay = patientDelay
	return append(list, Work{
		ID: fmt.Sprintf("g%d-patient", most), Loggers: []string{sluiceName}, run: streaming(patient),
		Title: fmt.Sprintf("The same with max_delay=%s, %d s", patientDelay, 3*seconds),
	})
}

// streams is a work in which a writer writes into streams.
type streams struct {
	program   string
	arguments []string
	count     int
	compress  bool
	maxDelay  string
	check     bool // the last line must be in a file at the end
}

func paced(count, rate, seconds int64) streams {
	return streams{
		program: "bench-paced", count: int(count),
		arguments: []string{number("streams", count), number("rate", rate), number("seconds", seconds), number("line", lineBytes)},
	}
}

// usual is the policy of all works: files of 10 MB, four rotated ones.
func (work streams) usual() policy {
	return policy{LimitBytes: 10 << 20, Keep: 4, Compress: work.compress, MaxDelay: work.maxDelay}
}

func streaming(work streams) func(*bench, Logger) (Run, error) {
	return func(b *bench, l Logger) (Run, error) { return work.run(b, l) }
}

// run does the work once: writer and logger are started and have come to rest, the
// first look, the work, rest, the second look.
func (work streams) run(b *bench, l Logger) (Run, error) {
	run := Run{Logger: l.Name, Streams: work.count}
	err := b.session(l, work.program, work.arguments, work.count, work.usual(), func(s *session, w *writer) error {
		before, after, r, err := observe(s, w)
		if err != nil {
			return err
		}
		run.take(before, after, r)
		if work.check {
			return checkLast(w.dir, r.Writes)
		}
		return nil
	})
	return run, err
}

// observe lets the writer do its work and looks at the logger before and after.
func observe(s *session, w *writer) (before, after usage, r report, err error) {
	err = w.gate("begin", func() (err error) {
		if err = s.settle(); err == nil {
			before, err = s.usage()
		}
		return err
	})
	if err != nil {
		return before, after, r, err
	}
	err = w.gate("end", func() (err error) {
		if err = s.settle(); err == nil {
			after, err = s.usage()
		}
		return err
	})
	if err != nil {
		return before, after, r, err
	}
	r, err = w.finish()
	return before, after, r, err
}

func (run *Run) take(before, after usage, r report) {
	run.Wall = time.Duration(r.EndNS - r.BeginNS)
	run.Bytes, run.Writes = r.Bytes, r.Writes
	run.WriterCPU = time.Duration(r.UserUS+r.SystemUS) * time.Microsecond
	run.LongestWrite = time.Duration(r.LongestNS)
	run.LoggerCPU = after.cpu - before.cpu
	run.Voluntary, run.Involuntary = after.voluntary-before.voluntary, after.involuntary-before.involuntary
	run.PssBytes, run.Threads, run.Processes = after.pssBytes, after.threads, after.processes
}
