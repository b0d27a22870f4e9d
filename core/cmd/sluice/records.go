package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sluice/core/engine"
	"sluice/core/settings"
	"sluice/core/state"
	sluicepb "sluice/proto"
)

// defaultStateDir is where an agent keeps its records unless it is told otherwise.
const defaultStateDir = "/var/run/mesos/sluice"

func stateDirFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "state_dir", defaultStateDir, "the agent's state directory")
}

// recorded is a stream that has not ended, as its record describes it.
type recorded struct {
	id string
	*sluicepb.StreamRecord
}

// records are those of a state directory. It is closed by the caller.
type records struct {
	view    *state.View
	streams []recorded
}

// readRecords reads what can be read: a record may go, and of one of a newer version
// there is what this one understands.
func readRecords(stateDir string) (*records, error) {
	view, err := state.OpenView(stateDir)
	if err != nil {
		return nil, err
	}
	ids, err := view.Recorded()
	if err != nil {
		_ = view.Close()
		return nil, err
	}
	slices.Sort(ids)
	r := &records{view: view}
	tasks := podTasks{}
	for _, id := range ids {
		if record, err := view.Load(id); err == nil || errors.Is(err, state.ErrNewer) {
			if record.GetTaskId() == "" && nested(record.GetContainerId()) {
				record.TaskId = tasks.of(record.GetSandbox())
			}
			r.streams = append(r.streams, recorded{id, record})
		}
	}
	return r, nil
}

func (r *records) close() {
	if r != nil {
		_ = r.view.Close()
	}
}

// settings gives the settings of a recorded stream as its owner has them.
func (r *records) settings(stream recorded) (settings.Stream, error) {
	text, err := r.view.LoadSettings()
	if err != nil {
		return settings.Stream{}, err
	}
	given, err := settings.Decode(text)
	if err != nil {
		return settings.Stream{}, err
	}
	module, _ := settings.Understood(given)
	return engine.RecordedSettings(module, stream.StreamRecord), nil
}

// match finds the streams of the one container that a name means: its id, or that of its
// task or executor, or the beginning of one of them if it is of no other.
func (r *records) match(name string) ([]recorded, error) {
	for _, means := range []func(recorded) bool{
		func(s recorded) bool { return s.GetContainerId() == name },
		func(s recorded) bool { return s.GetTaskId() == name },
		func(s recorded) bool { return s.GetExecutorId() == name && !nested(s.GetContainerId()) },
		func(s recorded) bool { return s.GetExecutorId() == name },
		func(s recorded) bool { return strings.HasPrefix(s.GetContainerId(), name) },
		func(s recorded) bool { return strings.HasPrefix(s.GetTaskId(), name) },
		func(s recorded) bool {
			return strings.HasPrefix(s.GetExecutorId(), name) && !nested(s.GetContainerId())
		},
	} {
		var found []recorded
		var containers []string
		for _, s := range r.streams {
			if means(s) {
				found = append(found, s)
				containers = append(containers, s.GetContainerId())
			}
		}
		slices.Sort(containers)
		containers = slices.Compact(containers)
		if len(containers) > 1 {
			return nil, fmt.Errorf("%q is ambiguous: %s; expected the beginning of one of them, as long as needed",
				name, listed(containers))
		}
		if len(found) > 0 {
			return found, nil
		}
	}
	return nil, nil
}

// nested says that a container is within another one.
func nested(container string) bool { return strings.Contains(container, ".") }

// listed shows the first few of many names.
func listed(names []string) string {
	const most = 8
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// withoutRecords explains why a name of a container cannot be looked up.
func withoutRecords(name, stateDir string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("cannot look up %q: there is no state_dir %q; name the agent's with --state_dir, or give the path of a sandbox: %w", name, stateDir, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("cannot look up %q: state_dir %q is for its owner alone; become root, or give the path of a sandbox: %w", name, stateDir, err)
	}
	return fmt.Errorf("cannot look up %q: %w", name, err)
}
