package main

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"sluice/core/engine"
	"sluice/core/guard"
	"sluice/core/rotation"
	"sluice/core/settings"
	"sluice/core/standby"
	"sluice/core/state"
	"sluice/core/version"
)

// Categories of errors, as in bridge.h.
const (
	categoryInvalid = 1
	categorySystem  = 2
	categoryLocked  = 3
	categoryTimeout = 4
	categoryClosed  = 5
	categoryPanic   = 6
)

var (
	panics atomic.Int64
	// guarded runs what goes on after an export has returned.
	guarded = guard.New(log)

	errNoLogger = errors.New("the logger is not known, or not initialised")
)

type panicError struct{ what string }

func (e *panicError) Error() string {
	return "fault in the core of sluice: " + e.what + "; the stack is in the agent's log"
}

// logger is what a handle stands for.
type logger struct {
	settings settings.Module
	notes    []settings.Note
	engine   *engine.Engine // nil before initialize
}

// loggers are the handles given out.
var loggers = handles{all: map[int64]*logger{}}

type handles struct {
	mu   sync.Mutex
	last int64
	all  map[int64]*logger
}

func (h *handles) add(l *logger) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last++
	h.all[h.last] = l
	return h.last
}

func (h *handles) get(handle int64) *logger {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all[handle]
}

func (h *handles) remove(handle int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.all, handle)
}

// thisMachine is the machine on which the files that options texts describe are made.
var thisMachine = settings.Machine{KnownUser: rotation.KnownUser, KnownGroup: rotation.KnownGroup}

// create validates the parameters of a logger.
func create(parameters []byte) (handle int64, err error) {
	defer queue.flush() // a host whose parameters are refused may end at once
	var message mesos.Parameters
	if err := message.Unmarshal(parameters); err != nil {
		return 0, fmt.Errorf("decode the module's parameters: %w", err)
	}
	var params []settings.Parameter
	for _, p := range message.GetParameter() {
		params = append(params, settings.Parameter{Key: p.Key, Value: p.Value})
	}
	module, notes, err := thisMachine.ParseModule(params)
	if err != nil {
		return 0, err
	}
	return loggers.add(&logger{settings: module, notes: notes}), nil
}

// initialize gives the logger the engine of its state directory.
func initialize(handle int64) error {
	defer queue.flush()
	l := loggers.get(handle)
	if l == nil {
		return errNoLogger
	}
	logNotes(l.notes)
	shared, err := engine.Share(l.settings, log)
	if err != nil {
		return err
	}
	loggers.mu.Lock()
	l.engine = shared
	loggers.mu.Unlock()
	log.Info("container logs go through sluice", "version", version.Version,
		"set", strings.Join(settings.Changed(l.settings.Given), " "),
		"disk_of_one_container_at_most", settings.Container{Stdout: l.settings.Stdout, Stderr: l.settings.Stderr}.MostDisk())
	if _, begun := lookedAfter.LoadOrStore(shared, true); !begun {
		standby.Begin(standby.Agent{Settings: l.settings, Engine: shared, Log: log, Guard: guarded})
	}
	return nil
}

// lookedAfter are the engines for which package standby is at work.
var lookedAfter sync.Map

// prepare makes the streams of a container.
func prepare(handle int64, launch []byte) (engine.Descriptors, error) {
	loggers.mu.Lock()
	l := loggers.all[handle]
	var e *engine.Engine
	if l != nil {
		e = l.engine
	}
	loggers.mu.Unlock()
	if e == nil {
		return engine.Descriptors{}, errNoLogger
	}
	decoded, err := decodeLaunch(launch)
	if err != nil {
		return engine.Descriptors{}, err
	}
	return e.Prepare(decoded)
}

// classify gives the category of an error and its errno, or 0.
func classify(err error) (category, number int) {
	var locked *state.LockedError
	var panicked *panicError
	var caught *guard.FaultError
	var errno syscall.Errno
	switch {
	case errors.As(err, &panicked), errors.As(err, &caught):
		return categoryPanic, 0
	case errors.Is(err, engine.ErrTimeout):
		return categoryTimeout, 0
	case errors.Is(err, errNoLogger):
		return categoryClosed, 0
	case errors.As(err, &locked):
		return categoryLocked, 0
	case errors.As(err, &errno):
		return categorySystem, int(errno)
	default:
		return categoryInvalid, 0
	}
}
