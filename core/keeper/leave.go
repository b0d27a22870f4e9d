package keeper

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A service manager ends what is in the control group of a service with it, unless the
// unit says KillMode=process. Mesos puts its executors into a slice of their own for that
// (mesos_executors.slice, src/linux/systemd.cpp), and a keeper goes to the same place, or,
// where that is not, to a group at the root of the hierarchy. Only the hierarchies by which
// a manager finds processes are looked at: that of version 2, and systemd's own of
// version 1. Limits of memory and the like stay those of the agent.

const (
	executorsSlice = "mesos_executors.slice"
	keeperGroup    = "sluice-keeper"
)

// hierarchy is one in which this process has a group.
type hierarchy struct{ group, root, point string }

// LeaveGroups takes this process out of the control groups that it was started in. What is
// at the root of a hierarchy stays there.
func LeaveGroups() error {
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return fmt.Errorf("read the control groups: %w", err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return fmt.Errorf("read the mounts of control groups: %w", err)
	}
	var left error
	for _, h := range tracking(string(groups), string(mounts)) {
		if err := h.leave(os.Getpid()); err != nil {
			left = errors.Join(left, fmt.Errorf("leave control group %q: %w", h.group, err))
		}
	}
	return left
}

// tracking lists the hierarchies by which managers find processes, where the process is not
// at the root of what can be seen.
func tracking(groups, mounts string) (all []hierarchy) {
	for line := range strings.Lines(groups) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 || parts[1] != "" && parts[1] != "name=systemd" {
			continue
		}
		h, found := mountOf(parts[1], mounts)
		if h.group = parts[2]; found && h.group != h.root && h.group != "/" {
			all = append(all, h)
		}
	}
	return all
}

// mountOf finds the hierarchy of a name, of version 2 where that is empty.
func mountOf(name, mounts string) (h hierarchy, found bool) {
	for line := range strings.Lines(mounts) {
		before, after, _ := strings.Cut(line, " - ")
		place, kind := strings.Fields(before), strings.Fields(after)
		if len(place) < 5 || len(kind) < 3 {
			continue
		}
		if name == "" && kind[0] == "cgroup2" || name != "" && kind[0] == "cgroup" && slices.Contains(strings.Split(kind[2], ","), name) {
			return hierarchy{root: place[3], point: place[4]}, true
		}
	}
	return hierarchy{}, false
}

// leave moves a process.
func (h hierarchy) leave(pid int) error {
	above := h.point
	if _, err := os.Stat(filepath.Join(h.point, executorsSlice)); err == nil {
		above = filepath.Join(h.point, executorsSlice)
	}
	group := filepath.Join(above, keeperGroup)
	if inside, ok := strings.CutPrefix(group, h.point); ok && path.Join(h.root, inside) == h.group {
		return nil // of a keeper that starts another
	}
	if err := os.Mkdir(group, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644)
}
