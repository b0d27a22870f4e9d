package unit

import (
	"fmt"
	"strconv"

	"sluice/core/limits"
)

// Missing is a setting that a unit should have.
type Missing struct {
	// Setting and Has are its name and value, Expected is what it should at least be, and
	// Means is what the lack leads to.
	Setting, Has, Expected, Means string
}

func (m Missing) String() string {
	return fmt.Sprintf("%s=%s, expected %s: %s", m.Setting, m.Has, m.Expected, m.Means)
}

const (
	pipesOfContainer = 2
	// expectedProcesses are for the agent and for tasks without a control group of their
	// own, tasksOfContainer for a container without one.
	expectedProcesses = 100
	tasksOfContainer  = 3
)

// Missing lists what a unit lacks for so many containers at a time.
func (p Properties) Missing(containers int) (all []Missing) {
	lacks := func(setting, property, expected, means string) {
		all = append(all, Missing{setting, p[property], expected, means})
	}
	const tail = "what a container has in its pipes when it ends while the agent is away is lost"
	pipes := int64(pipesOfContainer * containers)
	if most, ok := p.number("FileDescriptorStoreMax"); ok && most < pipes {
		lacks("FileDescriptorStoreMax", "FileDescriptorStoreMax", strconv.FormatInt(pipes, 10), tail)
	}
	if p["NotifyAccess"] == "none" {
		lacks("NotifyAccess", "NotifyAccess", "main", tail)
	}
	if mode := p["KillMode"]; mode == "control-group" || mode == "mixed" {
		lacks("KillMode", "KillMode", "process", "a restart of the agent ends its executors and tasks, and a keeper that it has started")
	}
	if most, ok := p.number("TasksMax"); ok {
		least := int64(limits.MostThreads + expectedProcesses + tasksOfContainer*containers)
		if most < least {
			lacks("TasksMax", "TasksMax", strconv.FormatInt(least, 10), "no container starts when it is reached, and an agent may not start")
		}
	}
	if most, ok := p.number("LimitNOFILESoft"); ok && limits.Containers(limits.Limit{Most: most}) < int64(containers) {
		least := limits.DescriptorsInPassing + limits.DescriptorsOfContainer*containers
		lacks("LimitNOFILE", "LimitNOFILESoft", strconv.Itoa(least), "no container starts when it is reached")
	}
	return all
}

// number reads a property; ok is false where there is none, or no bound.
func (p Properties) number(name string) (value int64, ok bool) {
	value, err := strconv.ParseInt(p[name], 10, 64)
	return value, err == nil
}
