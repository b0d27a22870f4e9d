package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/engine"
	"sluice/core/owner"
	"sluice/core/settings"
	"sluice/tests/kit"
)

// ownRole makes this program an owner: it serves the streams of a state directory and
// starts containers, until SIGTERM; then it waits until all have ended.
const ownRole = "own"

// figures are what an owner says of itself.
type figures struct {
	Goroutines   int
	Streams      int64
	Compressions int64
	Panics       int64
	InBytes      int64
	WrittenBytes int64
	DroppedBytes int64
	Rotations    int64
	Impostors    int64
	Forks        int64
	Served       []owner.Stream
}

type owning struct {
	place  place
	seed   uint64
	rate   int
	engine *engine.Engine
	null   *os.File
	forks  atomic.Int64
	ending atomic.Bool
}

func own(args []string) error {
	flags := flag.NewFlagSet(ownRole, flag.ExitOnError)
	o := &owning{}
	flags.StringVar((*string)(&o.place), "place", "", "directory of the run")
	flags.Uint64Var(&o.seed, "seed", 0, "of the containers")
	flags.IntVar(&o.rate, "rate", 0, "bytes per second of a container")
	generation := flags.Int("generation", 0, "number of the owner; 0 has no containers, 1 those of the whole run")
	if err := flags.Parse(args); err != nil {
		return err
	}
	module, _, err := settings.ParseModule(o.place.parameters())
	if err != nil {
		return err
	}
	if o.null, err = os.Open(os.DevNull); err != nil {
		return err
	}
	level := slog.HandlerOptions{Level: slog.LevelWarn}
	if o.engine, err = engine.Open(module, slog.New(slog.NewTextHandler(os.Stderr, &level))); err != nil {
		return err
	}
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, unix.SIGTERM)
	go func() {
		<-terminate
		o.ending.Store(true)
	}()
	go kit.Answer(o.figures)
	go kit.Storm(o.ending.Load, func() { o.forks.Add(1) })
	return o.serve(*generation)
}

// serve launches, and ends once it is told to and all streams have ended.
func (o *owning) serve(generation int) error {
	var launches []container
	if generation == 1 {
		launches = lasting()
	}
	if generation > 0 {
		launches = append(launches, passingIn(generation)...)
	}
	for _, c := range launches {
		if err := o.launch(c); err != nil {
			return err
		}
	}
	for {
		kit.Reap()
		if m := o.engine.Metrics(); o.ending.Load() && m.Streams == 0 && m.Compressions == 0 {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (o *owning) launch(c container) error {
	box, user := o.place.box(c.id), users[c.user]
	if err := errors.Join(os.Mkdir(box, 0o755), os.Chown(box, int(user.id), int(user.id))); err != nil {
		return err
	}
	ends, err := o.engine.Prepare(engine.Launch{
		ContainerID: c.id, Sandbox: box, User: user.name, Environment: c.policy.environment(), Debug: c.policy.name == "debug",
	})
	if err != nil {
		return fmt.Errorf("prepare %s: %w", c.id, err)
	}
	_, err = syscall.ForkExec("/proc/self/exe",
		[]string{"chaos", containerRole, string(o.place), c.id, strconv.FormatUint(o.seed, 10), strconv.Itoa(o.rate)}, &syscall.ProcAttr{
			Dir:   box,
			Env:   append(os.Environ(), "GOMAXPROCS=1"),
			Files: []uintptr{o.null.Fd(), uintptr(ends.Stdout), uintptr(ends.Stderr)},
			Sys:   &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user.id, Gid: user.id}},
		})
	return errors.Join(err, unix.Close(ends.Stdout), unix.Close(ends.Stderr))
}

func (o *owning) figures() any {
	m := o.engine.Metrics()
	return figures{
		Goroutines: runtime.NumGoroutine(), Streams: m.Streams, Compressions: m.Compressions, Panics: m.Panics,
		InBytes: m.InBytes(), WrittenBytes: m.WrittenBytes, DroppedBytes: m.DroppedBytes,
		Rotations: m.Rotations, Impostors: m.Impostors, Forks: o.forks.Load(), Served: o.engine.Status(),
	}
}
