package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/agent"
	"github.com/mesos/mesos-go/api/v1/lib/agent/calls"
)

// Sandbox is where the files of a container are in an agent's API.
type Sandbox struct {
	Path string
	// Live is the one live file that was named, empty for the whole sandbox.
	Live string
	// Container is the id of a container that was running when it was found, in Mesos' own
	// notation; empty for others.
	Container string
}

// Find finds what a name means: a path as the agent's files API has it, or the id of a
// container, task or executor, or a task's name, or the beginning of one of them if no
// other begins so. What has ended is found while the agent remembers its task. Of several
// runs of one name, task or executor the latest is meant; others are the runs before it, the
// latest first.
func (a *Agent) Find(ctx context.Context, name string) (found Sandbox, others []Run, err error) {
	if strings.HasPrefix(name, "/") {
		if base := path.Base(name); base == "stdout" || base == "stderr" {
			return Sandbox{Path: path.Dir(name), Live: base}, nil, nil
		}
		return Sandbox{Path: path.Clean(name)}, nil, nil
	}
	all, err := a.known(ctx, name)
	if err != nil {
		return Sandbox{}, nil, err
	}
	for _, means := range []func(known string) bool{
		func(known string) bool { return known == name },
		func(known string) bool { return strings.HasPrefix(known, name) },
	} {
		runs, by := pick(all, means)
		switch {
		case len(by) > 1:
			return Sandbox{}, nil, fmt.Errorf("%q is ambiguous at agent %s: %s; expected the beginning of one of them, as long as needed",
				name, a.where, printable(strings.Join(by[:min(len(by), 8)], ", ")))
		case len(runs) > 0:
			return runs[0].Sandbox, runs[1:], nil
		}
	}
	return Sandbox{}, nil, fmt.Errorf("agent %s knows no container, task or executor %q: %w", a.where, name, fs.ErrNotExist)
}

// A Run is one run of a task or executor, as the agent remembers it.
type Run struct {
	Sandbox
	// ID is that of the container, in Mesos' own notation; of a task whose container is not
	// known it is the task's.
	ID string
	// State is that of the task, empty for an executor.
	State string
	// Started is when the first update of the task says that it ran; zero where none does.
	Started time.Time
	// Running says that the container is there.
	Running bool

	names []string // that lead to it, the best first
}

// pick gives the runs that are meant, the latest first, one for each sandbox. by are the names
// that they are known by in common, more than one if they are of different things.
func pick(all []Run, means func(string) bool) (runs []Run, by []string) {
	at := map[string]int{}
	for _, run := range all {
		name := ""
		for _, known := range run.names {
			if name == "" && known != "" && means(known) {
				name = known
			}
		}
		if name == "" {
			continue
		}
		if !slices.Contains(by, name) {
			by = append(by, name)
		}
		if i, again := at[run.Path]; again {
			runs[i].merge(run)
			continue
		}
		at[run.Path] = len(runs)
		runs = append(runs, run)
	}
	slices.SortStableFunc(runs, func(a, b Run) int {
		return b.began().Compare(a.began())
	})
	if len(runs) == 1 {
		by = by[:1]
	}
	return runs, by
}

// began is when a run began; one that is there and has no time has just begun.
func (r Run) began() time.Time {
	if r.Started.IsZero() && r.Running {
		return time.Now()
	}
	return r.Started
}

// merge adds what another list tells of the same run.
func (r *Run) merge(other Run) {
	if r.State == "" {
		r.State = other.State
	}
	if r.Started.IsZero() {
		r.Started = other.Started
	}
	r.Running = r.Running || other.Running
}

// known lists the containers that run, and the tasks that the agent remembers, as far as
// they may be meant by a name.
func (a *Agent) known(ctx context.Context, name string) (all []Run, err error) {
	containers, err := a.containers(ctx)
	if err != nil {
		return nil, err
	}
	roots := map[string]string{} // the sandboxes of executors, by their containers
	for _, c := range containers {
		if c.FrameworkID != nil && c.ExecutorID != nil {
			roots[root(c.ContainerID)] = executorPath(c.FrameworkID.Value, c.ExecutorID.Value)
		}
	}
	running := map[string]string{} // ids by sandboxes
	for _, c := range containers {
		sandbox, of := roots[root(c.ContainerID)]
		if !of {
			continue // standalone: the agent does not show its sandbox
		}
		id := dotted(c.ContainerID)
		run := Run{
			Sandbox: Sandbox{Path: sandbox + nestedPath(c.ContainerID), Container: id},
			ID:      id, Running: true, names: []string{id, c.ContainerID.Value},
		}
		running[run.Path] = id
		if c.ContainerID.Parent == nil && c.ExecutorID != nil {
			run.names = append(run.names, c.ExecutorID.Value)
		}
		all = append(all, run)
	}
	answer, err := a.ask(ctx, calls.GetTasks())
	if errors.Is(err, fs.ErrPermission) {
		return all, nil // containers can be named without
	}
	if err == nil {
		err = eachTask(answer, func(task mesos.Task) error {
			for _, run := range runsOf(task, running) {
				if slices.ContainsFunc(run.names, func(known string) bool { return strings.HasPrefix(known, name) }) {
					all = append(all, run)
				}
				if len(all) > 2*maxContainers {
					return fmt.Errorf("more than %d containers and tasks", 2*maxContainers)
				}
			}
			return nil
		})
	}
	return all, err
}

// runsOf gives the run of a task: its sandbox, which for a task of a default executor is that of its
// container within the executor's; and then the executor's own.
func runsOf(task mesos.Task, running map[string]string) []Run {
	executor := task.TaskID.Value // of a command executor
	if task.ExecutorID != nil && task.ExecutorID.Value != "" {
		executor = task.ExecutorID.Value
	}
	above := executorPath(task.FrameworkID.Value, executor)
	run := Run{
		Sandbox: Sandbox{Path: above}, ID: task.TaskID.Value,
		State: strings.TrimPrefix(task.GetState().String(), "TASK_"),
		names: []string{task.TaskID.Value, task.Name},
	}
	outermost := ""
	for _, status := range task.Statuses {
		if id := status.GetContainerStatus().GetContainerID(); id != nil {
			run.Path, run.ID, outermost = above+nestedPath(*id), dotted(*id), root(*id)
			run.names = append(run.names, run.ID, id.Value)
		}
		if at := status.GetTimestamp(); at > 0 && (run.Started.IsZero() || at < unixSeconds(run.Started)) {
			run.Started = time.UnixMicro(int64(at * 1e6))
		}
	}
	if run.Path == above {
		run.names = append(run.names, executor)
	}
	run.Container, run.Running = running[run.Path], running[run.Path] != ""
	if run.Path == above {
		return []Run{run}
	}
	of := Run{
		Sandbox: Sandbox{Path: above, Container: running[above]}, ID: outermost,
		Started: run.Started, Running: running[above] != "", names: []string{executor, outermost},
	}
	return []Run{run, of}
}

func unixSeconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// executorPath is where the agent's files API has an executor's last run, since Mesos
// 1.2 (paths::getExecutorVirtualPath).
func executorPath(framework, executor string) string {
	return path.Join("/frameworks", framework, "executors", executor, "runs/latest")
}

// nestedPath leads from the sandbox of the outermost container to that of a nested one
// (containerizer::paths::getSandboxPath).
func nestedPath(id mesos.ContainerID) string {
	if id.Parent == nil {
		return ""
	}
	return nestedPath(*id.Parent) + "/containers/" + id.Value
}

// dotted is a container's id with those that it is nested in.
func dotted(id mesos.ContainerID) string {
	if id.Parent == nil {
		return id.Value
	}
	return dotted(*id.Parent) + "." + id.Value
}

// root is the outermost container that one is nested in, or is itself.
func root(id mesos.ContainerID) string {
	if id.Parent == nil {
		return id.Value
	}
	return root(*id.Parent)
}

// maxContainers of an agent are listed.
const maxContainers = 10000

// containers lists those that run, nested ones too.
func (a *Agent) containers(ctx context.Context) (all []agent.Response_GetContainers_Container, err error) {
	call := calls.GetContainers()
	yes := true
	call.GetContainers = &agent.Call_GetContainers{ShowNested: &yes, ShowStandalone: &yes}
	answer, err := a.ask(ctx, call)
	if err == nil {
		err = eachContainer(answer, func(c agent.Response_GetContainers_Container) error {
			if c.ContainerStatus, c.ResourceStatistics = nil, nil; len(all) == maxContainers {
				return fmt.Errorf("more than %d containers, which no agent runs", maxContainers)
			}
			all = append(all, c)
			return nil
		})
	}
	return all, err
}

// Running tells whether a container that Find found runs still.
func (a *Agent) Running(ctx context.Context, container string) (bool, error) {
	containers, err := a.containers(ctx)
	return slices.ContainsFunc(containers, func(c agent.Response_GetContainers_Container) bool {
		return dotted(c.ContainerID) == container
	}), err
}
