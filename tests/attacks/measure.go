package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// figures are what was seen of one attack.
type figures struct {
	Attack             string
	Lines              int
	Median, P99, Worst time.Duration // of a neighbour's line, until it is in its file
	Launches, Failed   int
	LongestLaunch      time.Duration
	Cores              float64       // of the host
	PeakBytes          int64         // resident
	History, Lost      int           // rotated files of honest containers
	Start              time.Duration // of the next host, with the end of this one
}

const header = `| attack | a neighbour's line: median | 99 % | worst | launches | longest | cores | memory | files lost | start |
|---|---|---|---|---|---|---|---|---|---|`

func (f figures) row() string {
	return fmt.Sprintf("| %s | %s | %s | %s | %d of %d | %s | %.2f | %d MB | %d of %d | %s |", f.Attack, short(f.Median), short(f.P99),
		short(f.Worst), f.Launches-f.Failed, f.Launches, short(f.LongestLaunch), f.Cores, f.PeakBytes>>20, f.Lost, f.History, short(f.Start))
}

func short(d time.Duration) string {
	if d >= longestLook {
		return "over a minute"
	}
	return strings.ReplaceAll(d.Round(max(10*time.Microsecond, d.Truncate(time.Millisecond)/100)).String(), "µ", "u")
}

// honestContainers have rotated files and are silent.
const honestContainers = 3

func measure(a attack, o options, log *slog.Logger) (figures, error) {
	directory := o.work
	if directory == "" {
		var err error
		if directory, err = os.MkdirTemp("", "attacks-"); err != nil {
			return figures{}, err
		}
		defer os.RemoveAll(directory)
		if err := os.Chmod(directory, 0o755); err != nil {
			return figures{}, err
		}
	} else {
		directory = filepath.Join(directory, strings.ReplaceAll(a.name, " ", "-"))
	}
	h, err := newHost(directory, a, log)
	if err != nil {
		return figures{}, err
	}
	f := figures{Attack: a.name}
	var honest []string
	for i := range honestContainers {
		box, err := h.honest(fmt.Sprintf("honest-%d", i), a)
		if err != nil {
			return f, err
		}
		honest = append(honest, box)
		f.History += rotated(box)
	}
	box, stdout, stderr, err := h.launch("neighbour", nil)
	if err != nil {
		return f, err
	}
	defer stderr.Close()
	tasks, err := startAll(h, a, o.planted)
	defer func() {
		for _, task := range tasks {
			_ = task.Process.Kill()
			_ = task.Wait()
		}
	}()
	if err != nil {
		return f, err
	}
	if o.profile != "" {
		profile, err := os.Create(o.profile)
		if err != nil {
			return f, err
		}
		defer profile.Close()
		if err := pprof.StartCPUProfile(profile); err != nil {
			return f, err
		}
		defer pprof.StopCPUProfile()
	}
	began, spent := time.Now(), processorTime()
	end := began.Add(o.last)
	var wait sync.WaitGroup
	wait.Go(func() { f.lines(filepath.Join(box, "stdout"), stdout, end) })
	wait.Go(func() { f.launches(h, end) })
	wait.Wait()
	f.Cores = (processorTime() - spent).Seconds() / time.Since(began).Seconds()
	f.PeakBytes = peakBytes()
	f.Lost = f.History
	for _, box := range honest {
		f.Lost -= rotated(box)
	}
	f.Start, err = restart(h, directory, a, log)
	return f, err
}

// restart gives how long the next host takes to start, with the end of this one; no longer
// than is looked.
func restart(h *host, directory string, a attack, log *slog.Logger) (time.Duration, error) {
	began, started := time.Now(), make(chan error, 1)
	go func() {
		h.engine.Close()
		_, err := newHost(directory, a, log)
		started <- err
	}()
	select {
	case err := <-started:
		return time.Since(began), err
	case <-time.After(longestLook):
		return longestLook, nil
	}
}

// startAll starts the attackers side by side.
func startAll(h *host, a attack, planted int) ([]*exec.Cmd, error) {
	tasks, failed := make([]*exec.Cmd, a.containers), make([]error, a.containers)
	var wait sync.WaitGroup
	for i := range a.containers {
		wait.Go(func() { tasks[i], failed[i] = h.attacker(fmt.Sprintf("attacker-%d", i), a, planted) })
	}
	wait.Wait()
	tasks = slices.DeleteFunc(tasks, func(task *exec.Cmd) bool { return task == nil })
	return tasks, errors.Join(failed...)
}

const (
	lineEvery   = 50 * time.Millisecond
	launchEvery = 500 * time.Millisecond
	lookEvery   = 200 * time.Microsecond
	longestLook = time.Minute
)

// lines prints a line now and then, and looks when it is in the file.
func (f *figures) lines(path string, stdout *os.File, end time.Time) {
	defer stdout.Close()
	var delays []time.Duration
	var want int64
	for time.Now().Before(end) {
		began := time.Now()
		n, _ := fmt.Fprintf(stdout, "a line of the neighbour at %s\n", began.Format(time.RFC3339Nano))
		want += int64(n)
		for {
			info, err := os.Stat(path)
			if err == nil && info.Size() >= want || time.Since(began) > longestLook {
				break
			}
			time.Sleep(lookEvery)
		}
		delays = append(delays, time.Since(began))
		time.Sleep(lineEvery)
	}
	slices.Sort(delays)
	f.Lines = len(delays)
	f.Median, f.P99, f.Worst = delays[len(delays)/2], delays[len(delays)*99/100], delays[len(delays)-1]
}

// launches starts containers that end at once.
func (f *figures) launches(h *host, end time.Time) {
	for time.Now().Before(end) {
		began := time.Now()
		_, stdout, stderr, err := h.launch(fmt.Sprintf("launch-%d", f.Launches), nil)
		f.LongestLaunch = max(f.LongestLaunch, time.Since(began))
		f.Launches++
		if err != nil {
			f.Failed++
			fmt.Fprintln(os.Stderr, "attacks: launch:", err)
		} else {
			_, _ = stdout.Close(), stderr.Close()
		}
		time.Sleep(launchEvery)
	}
}

func processorTime() time.Duration {
	var usage unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// peakBytes is the resident memory of this process.
func peakBytes() int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(text), "\n") {
		var kilobytes int64
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kilobytes); n == 1 {
			return kilobytes << 10
		}
	}
	return 0
}
