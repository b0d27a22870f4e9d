package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/worker"
)

// leaveSession makes the process the first of a session of its own, so that neither a
// terminal nor the end of its parent reaches it. A process that leads its group cannot,
// and one that reads a terminal shall be reached by it.
func leaveSession(stdin *os.File) {
	if _, err := unix.IoctlGetTermios(int(stdin.Fd()), unix.TCGETS); err == nil {
		return
	}
	_, _ = unix.Setsid()
}

// quitQuietly has Ctrl-\ end the command as it ends others, without the runtime's own notes on
// what it was doing. Who asks for SIGQUIT himself gets it, too.
func quitQuietly() {
	if signal.Ignored(unix.SIGQUIT) {
		return
	}
	quit := make(chan os.Signal, 1)
	signal.Notify(quit, unix.SIGQUIT)
	go func() {
		<-quit
		time.Sleep(quitPatience())
		os.Exit(128 + int(unix.SIGQUIT))
	}()
}

// quitting is set by commands that end in order by themselves.
var quitting atomic.Bool

// quitPatience is how long such a command may take.
func quitPatience() time.Duration {
	if quitting.Load() {
		return 20 * time.Second
	}
	return 0
}

// become changes the whole process to a user, for good; the empty name changes nothing.
func become(user string) error {
	if user == "" {
		return nil
	}
	id, err := worker.Lookup(user)
	if err != nil {
		return fmt.Errorf("--user=%s: %w", user, err)
	}
	if os.Geteuid() != 0 && os.Geteuid() == id.UID {
		return nil
	}
	groups := make([]int, len(id.Groups))
	for i, group := range id.Groups {
		groups[i] = int(group)
	}
	for _, step := range []func() error{
		func() error { return syscall.Setgroups(groups) },
		func() error { return syscall.Setgid(id.GID) },
		func() error { return syscall.Setuid(id.UID) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("--user=%s: become that user: %w; only root can", user, err)
		}
	}
	return nil
}

// signals that end a filter.
type signals struct {
	got    atomic.Int64
	notify chan os.Signal
}

// untilSignal gives a context that ends with the first of the signals that the process
// was not started to ignore; the second one has its usual effect. SIGPIPE, which a
// closed stderr would raise, is caught and has none.
func untilSignal(ctx context.Context) (context.Context, *signals) {
	ctx, cancel := context.WithCancel(ctx)
	s := &signals{notify: make(chan os.Signal, 1)}
	signal.Notify(make(chan os.Signal, 1), unix.SIGPIPE)
	quitting.Store(true)
	for _, number := range []os.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT} {
		if !signal.Ignored(number) {
			signal.Notify(s.notify, number)
		}
	}
	go func() {
		got, _ := (<-s.notify).(syscall.Signal)
		signal.Stop(s.notify)
		s.got.Store(int64(got))
		cancel()
	}()
	return ctx, s
}

// raise ends the process by the signal that there was, if there was one.
func (s *signals) raise() {
	number := syscall.Signal(s.got.Load())
	if number == unix.SIGQUIT { // raised, it would have the runtime tell what it was doing
		os.Exit(128 + int(number))
	}
	if number != 0 {
		_ = unix.Kill(os.Getpid(), number)
		// Process 1 of a PID namespace survives its own signals.
		time.Sleep(time.Second)
		os.Exit(128 + int(number))
	}
}
