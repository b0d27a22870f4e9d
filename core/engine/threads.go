package engine

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/control"
	"sluice/core/limits"
	"sluice/core/worker"
)

const (
	// threadsAtOnce may be blocked in the kernel at a time: the workers, launches,
	// answers to who asks, and what is spare for the host's own functions (the log, the
	// outcomes of launches, of which bridge bounds the number), timers, directories that a
	// recovery reaches for, questions to the name service, and the wait for a keeper's end.
	threadsAtOnce = worker.Total + 2*worker.BackgroundTotal + 2*worker.CommandTotal + launchSlots + control.MostAnswers + keeperThreads + spareThreads
	keeperThreads = 1
	spareThreads  = 24
	// mostProcessors of Go's scheduler: each may need two threads more, and beyond these
	// there is no work for them.
	mostProcessors = 16
	// fewProcesses besides the logger's own threads are told of at the start: the agent
	// and its tasks need some as well.
	fewProcesses = 100
	// reserveTime is far beyond what a machine takes that has room for them.
	reserveTime = 30 * time.Second
)

// The bound that is told to operators holds on a machine of any size.
const _ = uint(limits.MostThreads - threadsAtOnce - 2*mostProcessors - 6 - 4) // 4: of the runtime and the scheduler

// errNoRoom says that a limit of processes leaves no room for the logger's threads.
var errNoRoom = errors.New("no room for the logger's threads")

// roomForThreads tells which limit leaves no room for the threads that the engine will
// ever need. A host that begins asks before it takes anything over from anybody.
func roomForThreads() error {
	if runtime.GOMAXPROCS(0) > mostProcessors {
		runtime.GOMAXPROCS(mostProcessors)
	}
	missing := int64(worker.Missing(threadsAtOnce))
	least, ok := limits.Tightest(limits.Processes(limits.Self))
	if ok && least.Left() < missing {
		return fmt.Errorf("%s leaves %w: %d of %d are taken, and %d more are needed; raise it (%s): %w",
			least.Name, errNoRoom, least.Taken, least.Most, missing, least.Remedy, unix.EAGAIN)
	}
	return nil
}

// reserveThreads has all threads started that the engine will ever need. Without that,
// the runtime would end the process of the host when a task has taken all processes there
// are at the moment in which it wants one. Where they cannot be had the engine serves all
// the same: pipes without a reader are worse.
func (e *Engine) reserveThreads() (unreserve func()) {
	err := roomForThreads()
	if err == nil {
		unreserve, err = worker.Reserve(threadsAtOnce, e.guard, reserveTime)
	}
	if err != nil {
		e.log.Error("the containers are served with the threads that can be had; a lack of them can end this process", "error", err)
		return func() {}
	}
	return unreserve
}

// tellOfProcesses warns of a limit that the agent and its tasks will meet soon.
func (e *Engine) tellOfProcesses() {
	l, ok := limits.Tightest(limits.Processes(limits.Self))
	if ok && l.Left() < fewProcesses {
		e.log.Warn("few processes are left for the agent and its tasks", "limit", l.Name, "most", l.Most, "taken", l.Taken, "raise", l.Remedy)
	}
}

// fewContainers is what the limit of descriptors must leave room for.
const fewContainers = 200

// tellOfDescriptors warns of a limit that will be met soon. It is the host's to raise.
func (e *Engine) tellOfDescriptors() {
	l, ok := limits.Descriptors(limits.Self)
	if !ok {
		return
	}
	if room := limits.Containers(l); room < fewContainers {
		e.log.Warn("few descriptors are left for containers", "limit", l.Name, "most", l.Most, "taken", l.Taken,
			"containers", room, "raise", l.Remedy)
	}
}
