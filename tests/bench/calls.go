package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// countCalls counts the system calls of the loggers in runs of their own: strace
// slows them down, so nothing else is taken from these runs. The work is (c), whose
// pace is given, so that a logger that is slower does not find more at a time.
func (s *suite) countCalls(results *Results, chosen []Logger) {
	if !among(s.options.only, "calls") {
		return
	}
	if _, err := exec.LookPath("strace"); err != nil {
		results.LeftOut = append(results.LeftOut, fmt.Sprintf("the count of system calls: %v", err))
		return
	}
	const (
		streamCount = 20
		seconds     = 3
	)
	work := paced(streamCount, 500, seconds)
	for _, l := range chosen {
		run := Run{Work: "calls", Logger: l.Name, Streams: streamCount}
		fmt.Fprintf(os.Stderr, "calls  %-24s\n", l.Name)
		err := s.session(l, work.program, work.arguments, work.count, work.usual(), func(running *session, w *writer) error {
			return traced(running, w, &run)
		})
		if err != nil {
			results.LeftOut = append(results.LeftOut, fmt.Sprintf("the system calls of %s: %v", l.Name, err))
			continue
		}
		results.Runs = append(results.Runs, run)
	}
}

// traced does a work under strace, attached from gate to gate.
func traced(s *session, w *writer, run *Run) error {
	counts := filepath.Join(w.dir, "strace")
	arguments := []string{"-f", "-c", "-U", "calls,name", "-o", counts}
	var strace *exec.Cmd
	var complaints bytes.Buffer
	err := w.gate("begin", func() error {
		if err := s.settle(); err != nil {
			return err
		}
		for _, pid := range s.processes() {
			arguments = append(arguments, "-p", strconv.Itoa(pid))
		}
		strace = exec.Command("strace", arguments...)
		strace.Stderr = &complaints
		if err := strace.Start(); err != nil {
			return fmt.Errorf("start strace: %w", err)
		}
		return awaitTracer(s)
	})
	if err != nil {
		return err
	}
	err = w.gate("end", func() error {
		_ = strace.Process.Signal(syscall.SIGINT)
		_ = strace.Wait() // it ends by the signal
		return nil
	})
	if err != nil {
		return err
	}
	r, err := w.finish()
	if err != nil {
		return err
	}
	run.Writes, run.Bytes = r.Writes, r.Bytes
	run.Calls, err = readCounts(counts)
	if err != nil {
		return fmt.Errorf("%w: %s", err, complaints.String())
	}
	return nil
}

// awaitTracer waits until all threads of the logger are traced.
func awaitTracer(s *session) error {
	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(time.Millisecond) {
		missing := 0
		for _, pid := range s.processes() {
			for _, tid := range threadsOf(pid) {
				status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/status", pid, tid))
				if numberBehind(status, "\nTracerPid:") == 0 {
					missing++
				}
			}
		}
		if missing == 0 {
			return nil
		}
	}
	return fmt.Errorf("strace did not attach in %v", patience)
}

// readCounts reads the two columns that strace was asked for.
func readCounts(path string) (map[string]int64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	counts := map[string]int64{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) != 2 || fields[1] == "total" {
			continue
		}
		if n, err := strconv.ParseInt(fields[0], 10, 64); err == nil {
			counts[fields[1]] = n
		}
	}
	return counts, nil
}
