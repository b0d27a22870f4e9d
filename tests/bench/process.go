package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// usage is what the processes of a logger have used and have, at one moment.
type usage struct {
	cpu                    time.Duration
	voluntary, involuntary int64
	pssBytes               int64
	threads, processes     int
}

// cpuOf reads the processor time of a process, of all its threads that ever were,
// from its clock (clock_getcpuclockid(3)): in nanoseconds, where /proc counts ticks.
func cpuOf(pid int) (time.Duration, error) {
	const schedClock = 2 // CPUCLOCK_SCHED
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|schedClock), &t); err != nil {
		return 0, fmt.Errorf("read the processor clock of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// cpuOfChildren is what the children used that a process has waited for.
func cpuOfChildren(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	const ticksPerSecond = 100 // USER_HZ
	// Behind the name, which may contain anything, come state and then numbers.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, _ := strconv.ParseInt(fields[13], 10, 64)
	system, _ := strconv.ParseInt(fields[14], 10, 64)
	return time.Duration(user+system) * time.Second / ticksPerSecond
}

// cpuOfThread is what one thread has used (proc(5), schedstat).
func cpuOfThread(pid, tid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/schedstat", pid, tid))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), " ")
	n, _ := strconv.ParseInt(first, 10, 64)
	return time.Duration(n)
}

// threadsOf lists the threads of a process.
func threadsOf(pid int) []int {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return nil
	}
	tids := make([]int, 0, len(entries))
	for _, entry := range entries {
		if tid, err := strconv.Atoi(entry.Name()); err == nil {
			tids = append(tids, tid)
		}
	}
	return tids
}

// childrenOf lists the children of all threads of a process.
func childrenOf(pid int) []int {
	var children []int
	for _, tid := range threadsOf(pid) {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, tid))
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				children = append(children, child)
			}
		}
	}
	return children
}

func nameOf(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSpace(string(text))
}

// switchesOf counts the context switches of a thread.
func switchesOf(pid, tid int) (voluntary, involuntary int64) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/status", pid, tid))
	return numberBehind(text, "\nvoluntary_ctxt_switches:"), numberBehind(text, "\nnonvoluntary_ctxt_switches:")
}

// pssOf is a process's share of memory in bytes.
func pssOf(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	return numberBehind(text, "\nPss:") * 1024
}

// numberBehind gives the number that follows a key in a file of /proc, or 0.
func numberBehind(text []byte, key string) int64 {
	_, rest, found := bytes.Cut(text, []byte(key))
	if !found {
		return 0
	}
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	n, _ := strconv.ParseInt(string(fields[0]), 10, 64)
	return n
}
