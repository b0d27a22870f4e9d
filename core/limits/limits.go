// Package limits tells what the kernel allows a process to have, and how much of that is
// taken: descriptors, and threads and processes, which are the same to the kernel.
//
// It reads /proc and the control groups, whose figures are true at the moment of reading. It
// also has what the logger needs of all that. It changes nothing.
package limits

import (
	"math"
	"strconv"
	"strings"

	"sluice/core/cgroup"
)

// Limit is one bound that holds for a process.
type Limit struct {
	// Name is what bounds, for people.
	Name string
	// Remedy is where an operator raises it.
	Remedy string
	// Most is the bound, and Taken how much of it there is now.
	Most, Taken int64
}

// Left is how much is not taken.
func (l Limit) Left() int64 { return max(0, l.Most-l.Taken) }

// Self is the process that asks.
const Self = cgroup.Self

// Tightest gives the limit of which the least is left; ok is false if there is none.
func Tightest(all []Limit) (least Limit, ok bool) {
	for _, l := range all {
		if !ok || l.Left() < least.Left() {
			least, ok = l, true
		}
	}
	return least, ok
}

// Descriptors gives the limit of a process's descriptors: the soft one, which is in force. ok
// is false if it cannot be read.
func Descriptors(pid int) (l Limit, ok bool) {
	most, ok := rlimit(pid, "Max open files")
	if !ok {
		return Limit{}, false
	}
	open, err := list(proc(pid, "fd"))
	return Limit{Name: "the limit of open files (RLIMIT_NOFILE)", Remedy: "LimitNOFILE=", Most: most, Taken: int64(len(open))}, err == nil
}

// Processes gives the limits of threads and processes that hold for a process. A limit that
// cannot be read counts as none.
func Processes(pid int) []Limit {
	all := controlGroups(pid)
	if l, ok := ofUser(pid); ok {
		all = append(all, l)
	}
	return append(all, ofMachine()...)
}

// exempt are the capabilities that lift the limit of a user's processes (copy_process
// in kernel/fork.c): CAP_SYS_ADMIN and CAP_SYS_RESOURCE.
const exempt = 1<<21 | 1<<24

// ofUser is RLIMIT_NPROC, which counts all processes of the real user and does not hold for
// root.
func ofUser(pid int) (l Limit, ok bool) {
	status := fields(proc(pid, "status"))
	uid := firstWord(status["Uid"])
	capabilities, err := strconv.ParseUint(strings.TrimSpace(status["CapEff"]), 16, 64)
	if uid == "" || uid == "0" || err != nil || capabilities&exempt != 0 {
		return Limit{}, false
	}
	most, ok := rlimit(pid, "Max processes")
	if !ok || most == math.MaxInt64 {
		return Limit{}, false
	}
	return Limit{
		Name: "the limit of processes of user id " + uid + " (RLIMIT_NPROC)", Remedy: "LimitNPROC=",
		Most: most, Taken: threadsOf(uid),
	}, true
}

// threadsOf counts the threads that count towards a user's limit.
func threadsOf(uid string) (total int64) {
	names, _ := list("/proc")
	for _, name := range names {
		if strings.Trim(name, "0123456789") != "" {
			continue
		}
		status := fields("/proc/" + name + "/status")
		if firstWord(status["Uid"]) != uid {
			continue
		}
		threads, err := strconv.ParseInt(firstWord(status["Threads"]), 10, 64)
		if err == nil {
			total += threads
		}
	}
	return total
}

// ofMachine are the limits on all processes together: on their number and on their ids.
func ofMachine() (all []Limit) {
	loadavg := strings.Fields(text("/proc/loadavg"))
	if len(loadavg) < 4 {
		return nil
	}
	_, total, _ := strings.Cut(loadavg[3], "/")
	taken, err := strconv.ParseInt(total, 10, 64)
	if err != nil {
		return nil
	}
	for _, name := range []string{"threads-max", "pid_max"} {
		most, err := strconv.ParseInt(strings.TrimSpace(text("/proc/sys/kernel/"+name)), 10, 64)
		if err == nil {
			all = append(all, Limit{Name: "the machine's limit of processes (kernel." + name + ")", Remedy: "sysctl kernel." + name, Most: most, Taken: taken})
		}
	}
	return all
}

// rlimit reads a soft limit of a process; math.MaxInt64 means none.
func rlimit(pid int, name string) (most int64, ok bool) {
	for line := range strings.Lines(text(proc(pid, "limits"))) {
		rest, found := strings.CutPrefix(line, name)
		if !found {
			continue
		}
		soft := firstWord(rest)
		if soft == "unlimited" {
			return math.MaxInt64, true
		}
		most, err := strconv.ParseInt(soft, 10, 64)
		return most, err == nil
	}
	return 0, false
}

// controlGroups are the limits of the pids controller for the process's group and those above
// it: each counts everything below.
func controlGroups(pid int) (all []Limit) {
	groups, err := cgroup.Of(pid, cgroup.Pids)
	mounts, err2 := cgroup.OwnMounts()
	if err != nil || err2 != nil {
		return nil
	}
	for _, group := range groups {
		if at, ok := mounts.Of(group.Hierarchy); ok {
			all = append(all, upFrom(group.Path, at)...)
		}
	}
	return all
}
