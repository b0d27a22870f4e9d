package keeper

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"sluice/core/cgroup"
)

// A service manager ends a service with everything in its control group, unless the unit says
// KillMode=process. For that reason Mesos puts its executors into a slice of their own
// (mesos_executors.slice, src/linux/systemd.cpp). A keeper goes to the same place, or, if there
// is none, to a group at the root of the hierarchy. It leaves only the hierarchies by which a
// manager finds processes: that of version 2, and systemd's own of version 1. Limits of memory
// and the like stay those of the agent.

const (
	executorsSlice = "mesos_executors.slice"
	keeperGroup    = "sluice-keeper"
)

// hierarchy is one in which this process has a group.
type hierarchy struct {
	group string
	cgroup.Mount
}

// LeaveGroups takes this process out of the control groups that it was started in. Where it is
// at the root of a hierarchy it stays there.
func LeaveGroups() error {
	groups, err := cgroup.Of(cgroup.Self, cgroup.Systemd)
	if err != nil {
		return err
	}
	mounts, err := cgroup.OwnMounts()
	if err != nil {
		return err
	}
	var left error
	for _, h := range outside(groups, mounts) {
		if err := h.leave(os.Getpid()); err != nil {
			left = errors.Join(left, fmt.Errorf("leave control group %q: %w", h.group, err))
		}
	}
	return left
}

// outside lists the hierarchies in which a process is not at the root of what it can see.
func outside(groups []cgroup.Group, mounts cgroup.Mounts) (all []hierarchy) {
	for _, g := range groups {
		at, found := mounts.Of(g.Hierarchy)
		if found && g.Path != at.Root && g.Path != "/" {
			all = append(all, hierarchy{group: g.Path, Mount: at})
		}
	}
	return all
}

// leave moves a process.
func (h hierarchy) leave(pid int) error {
	above := h.Point
	if _, err := os.Stat(filepath.Join(h.Point, executorsSlice)); err == nil {
		above = filepath.Join(h.Point, executorsSlice)
	}
	group := filepath.Join(above, keeperGroup)
	if inside, ok := strings.CutPrefix(group, h.Point); ok && path.Join(h.Root, inside) == h.group {
		return nil // of a keeper that starts another
	}
	if err := os.Mkdir(group, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644)
}
