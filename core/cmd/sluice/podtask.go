package main

import (
	"path/filepath"

	"sluice/core/control"
	"sluice/core/sandbox"
)

// maxPodTasks of one pod are looked at.
const maxPodTasks = 1000

// podTasks are the tasks of pods by the sandboxes of their containers. Neither Mesos nor a record
// tells which task a nested container is of; the default executor makes links for it, from
// tasks/TASK in its sandbox to containers/CONTAINER. They are the task's to change: they name, and
// nothing is opened by them.
type podTasks map[string]map[string]string

// of gives the task of a nested container by its sandbox, empty where nothing tells.
func (p podTasks) of(path string) string {
	above, container := filepath.Split(path)
	above = filepath.Clean(above)
	if filepath.Base(above) != "containers" {
		return ""
	}
	executor := filepath.Dir(above)
	tasks, known := p[executor]
	if !known {
		tasks = linksOf(executor)
		p[executor] = tasks
	}
	return tasks[container]
}

// name gives a stream of a pod the name of its task.
func (p podTasks) name(stream *control.Stream) {
	if stream.Task == "" && nested(stream.Container) {
		stream.Task = p.of(stream.Sandbox)
	}
}

// linksOf are the tasks in the sandbox of an executor, by their containers.
func linksOf(executor string) map[string]string {
	tasks := map[string]string{}
	box, err := sandbox.Open(executor)
	if err != nil {
		return tasks
	}
	defer box.Close()
	dir, err := box.Sub("tasks")
	if err != nil {
		return tasks
	}
	defer dir.Close()
	links, err := dir.List(maxPodTasks, func(string) bool { return true })
	if err != nil {
		return tasks
	}
	for _, link := range links {
		if to, err := dir.ReadLink(link.Name); err == nil {
			tasks[filepath.Base(to)] = link.Name
		}
	}
	return tasks
}
