package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

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
// other begins so. Tasks that have ended are found while the agent remembers them.
func (a *Agent) Find(ctx context.Context, name string) (Sandbox, error) {
	if strings.HasPrefix(name, "/") {
		if base := path.Base(name); base == "stdout" || base == "stderr" {
			return Sandbox{Path: path.Dir(name), Live: base}, nil
		}
		return Sandbox{Path: path.Clean(name)}, nil
	}
	all, err := a.known(ctx)
	if err != nil {
		return Sandbox{}, err
	}
	for _, means := range []func(known) bool{
		func(k known) bool { return slices.Contains(k.names, name) },
		func(k known) bool {
			return slices.ContainsFunc(k.names, func(n string) bool { return strings.HasPrefix(n, name) })
		},
	} {
		found := slices.DeleteFunc(slices.Clone(all), func(k known) bool { return !means(k) })
		paths := map[string]bool{}
		var names []string
		for _, k := range found {
			if !paths[k.Path] {
				names = append(names, k.names[0])
			}
			paths[k.Path] = true
		}
		switch {
		case len(paths) > 1:
			return Sandbox{}, fmt.Errorf("%q is ambiguous at agent %s: %s; expected the beginning of one of them, as long as needed",
				name, a.where, strings.Join(names[:min(len(names), 8)], ", "))
		case len(found) > 0:
			return found[0].Sandbox, nil
		}
	}
	return Sandbox{}, fmt.Errorf("agent %s knows no container, task or executor %q: %w", a.where, name, fs.ErrNotExist)
}

// known is a sandbox with the names that lead to it, the best first.
type known struct {
	Sandbox
	names []string
}

// known lists the containers that run, and the tasks that the agent remembers.
func (a *Agent) known(ctx context.Context) ([]known, error) {
	answer, err := a.containers(ctx)
	if err != nil {
		return nil, err
	}
	roots := map[string]string{} // the sandboxes of executors, by their containers
	for _, c := range answer {
		if c.FrameworkID != nil && c.ExecutorID != nil {
			roots[root(c.ContainerID)] = executorPath(c.FrameworkID.Value, c.ExecutorID.Value)
		}
	}
	var all []known
	for _, c := range answer {
		sandbox, of := roots[root(c.ContainerID)]
		if !of {
			continue // standalone: the agent does not show its sandbox
		}
		k := known{
			Sandbox: Sandbox{Path: sandbox + nestedPath(c.ContainerID), Container: dotted(c.ContainerID)},
			names:   []string{dotted(c.ContainerID), c.ContainerID.Value},
		}
		if c.ContainerID.Parent == nil && c.ExecutorID != nil {
			k.names = append(k.names, c.ExecutorID.Value)
		}
		all = append(all, k)
	}
	tasks, err := a.ask(ctx, calls.GetTasks())
	if errors.Is(err, fs.ErrPermission) {
		return all, nil // containers can be named without
	}
	if err != nil {
		return nil, err
	}
	return append(all, tasksOf(tasks.GetTasks, all)...), nil
}

// tasksOf gives the sandboxes of tasks. A task of a default executor has one in its
// executor's, that of its container.
func tasksOf(answer *agent.Response_GetTasks, running []known) (tasks []known) {
	if answer == nil {
		return nil
	}
	for _, list := range [][]mesos.Task{answer.LaunchedTasks, answer.QueuedTasks, answer.TerminatedTasks, answer.CompletedTasks} {
		for _, task := range list {
			executor := task.TaskID.Value // of a command executor
			if task.ExecutorID != nil && task.ExecutorID.Value != "" {
				executor = task.ExecutorID.Value
			}
			k := known{
				Sandbox: Sandbox{Path: executorPath(task.FrameworkID.Value, executor)},
				names:   []string{task.TaskID.Value, task.Name},
			}
			for _, status := range task.Statuses {
				if id := status.GetContainerStatus().GetContainerID(); id != nil {
					k.Path = executorPath(task.FrameworkID.Value, executor) + nestedPath(*id)
				}
			}
			if at := slices.IndexFunc(running, func(r known) bool { return r.Path == k.Path }); at >= 0 {
				k.Container = running[at].Container
			}
			tasks = append(tasks, k)
		}
	}
	return tasks
}

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

// containers lists those that run, nested ones too.
func (a *Agent) containers(ctx context.Context) ([]agent.Response_GetContainers_Container, error) {
	call := calls.GetContainers()
	yes := true
	call.GetContainers = &agent.Call_GetContainers{ShowNested: &yes, ShowStandalone: &yes}
	answer, err := a.ask(ctx, call)
	if err != nil {
		return nil, err
	}
	return answer.GetContainers.GetContainers(), nil
}

// Running tells whether a container that Find found runs still.
func (a *Agent) Running(ctx context.Context, container string) (bool, error) {
	containers, err := a.containers(ctx)
	return slices.ContainsFunc(containers, func(c agent.Response_GetContainers_Container) bool {
		return dotted(c.ContainerID) == container
	}), err
}
