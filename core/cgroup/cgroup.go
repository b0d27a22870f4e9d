// Package cgroup tells in which control groups a process is, and where their hierarchies
// are mounted. It changes nothing.
package cgroup

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Self is the process that asks.
const Self = 0

// Hierarchies: that of version 2, and those of version 1, by a controller or a name.
const (
	Unified = ""
	Pids    = "pids"
	Systemd = "name=systemd"
)

// Group is the control group of a process in one hierarchy.
type Group struct{ Hierarchy, Path string }

// Of gives the groups of a process in the hierarchy of version 2 and in one of version 1,
// in the kernel's order.
func Of(pid int, hierarchy string) ([]Group, error) {
	process := "self"
	if pid != Self {
		process = strconv.Itoa(pid)
	}
	text, err := os.ReadFile("/proc/" + process + "/cgroup")
	if err != nil {
		return nil, fmt.Errorf("read the control groups: %w", err)
	}
	return Groups(string(text), hierarchy), nil
}

// Groups reads the text of /proc/PID/cgroup, as Of does.
func Groups(text, hierarchy string) (all []Group) {
	for line := range strings.Lines(text) {
		// "0::/path" is of version 2, "7:cpu,cpuacct:/path" of version 1.
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(parts) != 3:
		case parts[1] == Unified:
			all = append(all, Group{Hierarchy: Unified, Path: parts[2]})
		case slices.Contains(strings.Split(parts[1], ","), hierarchy):
			all = append(all, Group{Hierarchy: hierarchy, Path: parts[2]})
		}
	}
	return all
}

// Mount is where a hierarchy can be seen: its group Root is the directory Point.
type Mount struct{ Root, Point string }

// Mounts are the mounts of a process, as the lines of /proc/PID/mountinfo.
type Mounts string

// OwnMounts reads the mounts of this process.
func OwnMounts() (Mounts, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", fmt.Errorf("read the mounts of control groups: %w", err)
	}
	return Mounts(text), nil
}

// Of finds the first mount of a hierarchy.
func (m Mounts) Of(hierarchy string) (at Mount, found bool) {
	for line := range strings.Lines(string(m)) {
		before, after, _ := strings.Cut(line, " - ")
		place, kind := strings.Fields(before), strings.Fields(after)
		if len(place) < 5 || len(kind) < 3 {
			continue
		}
		unified := kind[0] == "cgroup2" && hierarchy == Unified
		named := kind[0] == "cgroup" && hierarchy != Unified && slices.Contains(strings.Split(kind[2], ","), hierarchy)
		if unified || named {
			return Mount{Root: place[3], Point: place[4]}, true
		}
	}
	return Mount{}, false
}
