// Package host is an agent's part in the long tests: it serves streams with the core, and starts
// containers of several users, each of which is this program in another role.
package host

import (
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"sluice/core/engine"
	"sluice/core/settings"
	"sluice/tests/kit"
)

// Host serves the streams of a state directory.
type Host struct {
	Engine   *engine.Engine
	launched atomic.Int64
	// longest is how many nanoseconds a launch waited at the most since it was asked for.
	longest atomic.Int64
}

// Open opens the core with parameters.
func Open(log *slog.Logger, parameters []settings.Parameter) (*Host, error) {
	module, _, err := settings.ParseModule(parameters)
	if err != nil {
		return nil, err
	}
	h := &Host{}
	h.Engine, err = engine.Open(module, log)
	return h, err
}

// Prepare makes a container's sandbox, which belongs to the user with an id, and gives the
// streams; the caller closes them.
func (h *Host) Prepare(l engine.Launch, id uint32) (stdout, stderr *os.File, err error) {
	if err := os.Mkdir(l.Sandbox, 0o755); err != nil {
		return nil, nil, err
	}
	if isOther(id) {
		if err := os.Chown(l.Sandbox, int(id), int(id)); err != nil {
			return nil, nil, err
		}
	}
	h.launched.Add(1)
	began := time.Now()
	ends, err := h.Engine.Prepare(l)
	h.longest.Store(max(h.longest.Load(), int64(time.Since(began))))
	if err != nil {
		return nil, nil, fmt.Errorf("prepare %s: %w", l.ContainerID, err)
	}
	return os.NewFile(uintptr(ends.Stdout), "stdout"), os.NewFile(uintptr(ends.Stderr), "stderr"), nil
}

// Start prepares a container and starts it: this program in the role of one, in its sandbox, as
// the user with an id.
func (h *Host) Start(l engine.Launch, id uint32, args ...string) error {
	stdout, stderr, err := h.Prepare(l, id)
	if err != nil {
		return err
	}
	defer stdout.Close()
	defer stderr.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	var sys syscall.SysProcAttr
	if isOther(id) {
		sys.Credential = &syscall.Credential{Uid: id, Gid: id}
	}
	_, err = syscall.ForkExec("/proc/self/exe", append([]string{os.Args[0], kit.ContainRole}, args...), &syscall.ProcAttr{
		Dir:   l.Sandbox,
		Env:   append(os.Environ(), "GOMAXPROCS=1"),
		Files: []uintptr{null.Fd(), stdout.Fd(), stderr.Fd()},
		Sys:   &sys,
	})
	return err
}

// isOther says whether a user is not the host's own; only root may start those of others.
func isOther(id uint32) bool { return int(id) != os.Getuid() }

// LongestLaunch is how long one waited since this was asked for the last time.
func (h *Host) LongestLaunch() time.Duration { return time.Duration(h.longest.Swap(0)) }
