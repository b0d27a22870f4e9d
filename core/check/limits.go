package check

import (
	"os"
	"strconv"
	"strings"

	"sluice/core/limits"
)

const (
	// expectedContainers is for how many there should be room where nobody says.
	expectedContainers = 200
	// expectedProcesses are for the agent and tasks without a control group of their own.
	expectedProcesses = 100
)

// agentNames are the programs that load the library.
var agentNames = []string{"mesos-agent", "mesos-slave"}

// limitsOfAgent holds the limits in force of the agent that runs on this machine against
// what the logger needs: those of its unit, which the next start will have again. Without
// an agent there is nothing to look at.
func (r *Report) limitsOfAgent(containers int) {
	if containers == 0 {
		containers = expectedContainers
	}
	pid, name := findAgent("/proc")
	r.unitOfAgent(pid, containers)
	if pid == 0 {
		return
	}
	if l, ok := limits.Descriptors(pid); ok && limits.Containers(l) < int64(containers) {
		r.add(Warning, position{}, "process %d (%s): %s is %d, of which %d are taken: that is room for %d containers, expected %d; raise it (%s of its unit)",
			pid, name, l.Name, l.Most, l.Taken, limits.Containers(l), containers, l.Remedy)
	}
	if l, ok := limits.Tightest(limits.Processes(pid)); ok && l.Left() < limits.MostThreads+expectedProcesses {
		r.add(Warning, position{}, "process %d (%s): %s is %d, of which %d are taken: the logger has up to %d threads, and the agent and its tasks need some; raise it (%s)",
			pid, name, l.Name, l.Most, l.Taken, limits.MostThreads, l.Remedy)
	}
}

// findAgent gives the process of an agent, 0 where there is none.
func findAgent(proc string) (pid int, name string) {
	entries, _ := os.ReadDir(proc)
	for _, entry := range entries {
		number, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		comm, _ := os.ReadFile(proc + "/" + entry.Name() + "/comm")
		for _, name := range agentNames {
			if strings.TrimSpace(string(comm)) == name {
				return number, name
			}
		}
	}
	return 0, ""
}
