package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/engine"
	"sluice/core/settings"
	"sluice/tests/kit"
)

// ownRole makes this program an owner: it serves the streams of a state directory and
// starts containers, until SIGTERM; then it waits until all have ended.
const ownRole = "own"

// limits are small, so that every container has its rotations; nothing is thrown away,
// so that everything can be compared; a busy machine may be slow to launch.
var limits = []settings.Parameter{
	{Key: "prepare_timeout", Value: "10mins"},
	{Key: "max_stdout_size", Value: "16KB"},
	{Key: "max_stderr_size", Value: "8KB"},
	{Key: "logrotate_stdout_options", Value: "rotate 1000\ncompress"},
	{Key: "logrotate_stderr_options", Value: "rotate 1000\ncompress\ndelaycompress"},
}

// figures are what an owner says of itself, a line of JSON for each line it reads.
type figures struct {
	Goroutines   int
	HeapBytes    uint64
	Streams      int64
	Recovered    int64
	InBytes      int64
	WrittenBytes int64
	DroppedBytes int64
	Rotations    int64
	Errors       int64
	Panics       int64
	Compressions int64
	Launched     int64
	Forks        int64
	// PrepareTime is the longest that a launch has waited since the last answer.
	PrepareTime time.Duration
}

type owner struct {
	engine     *engine.Engine
	name       string
	null       *os.File
	boxes      string
	containers int
	life       time.Duration
	launched   atomic.Int64
	forks      atomic.Int64
	longest    atomic.Int64
	draining   atomic.Bool
}

func own(args []string) error {
	flags := flag.NewFlagSet(ownRole, flag.ExitOnError)
	state := flags.String("state", "", "state directory")
	o := &owner{}
	flags.StringVar(&o.name, "name", "", "beginning of the containers' IDs")
	flags.StringVar(&o.boxes, "boxes", "", "directory of the sandboxes")
	flags.IntVar(&o.containers, "containers", 0, "how many at a time")
	flags.DurationVar(&o.life, "life", time.Second, "how long a container lives")
	if err := flags.Parse(args); err != nil {
		return err
	}
	module, _, err := settings.ParseModule(append([]settings.Parameter{{Key: "state_dir", Value: *state}}, limits...))
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
		o.draining.Store(true)
	}()
	go kit.Storm(o.draining.Load, func() { o.forks.Add(1) })
	go kit.Answer(o.figures)
	return o.serve()
}

// serve keeps the number of containers, and ends once all have ended.
func (o *owner) serve() error {
	for {
		kit.Reap()
		m := o.engine.Metrics()
		if o.draining.Load() || o.containers == 0 {
			if m.Streams == 0 && m.Compressions == 0 && o.draining.Load() {
				return nil
			}
		} else if m.Streams < int64(2*o.containers) {
			if err := o.launch(); err != nil {
				return err
			}
			continue
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (o *owner) launch() error {
	id := fmt.Sprintf("%s-%06d", o.name, o.launched.Add(1))
	box := filepath.Join(o.boxes, id)
	if err := os.Mkdir(box, 0o755); err != nil {
		return err
	}
	begin := time.Now()
	ends, err := o.engine.Prepare(engine.Launch{ContainerID: id, Sandbox: box})
	o.longest.Store(max(o.longest.Load(), int64(time.Since(begin))))
	if err != nil {
		return fmt.Errorf("prepare %s: %w", id, err)
	}
	life := o.life/2 + rand.N(o.life/2)
	_, err = syscall.ForkExec("/proc/self/exe", []string{"soak", containerRole, id, life.String(), filepath.Join(filepath.Dir(o.boxes), exitLock)}, &syscall.ProcAttr{
		Dir:   box,
		Env:   append(os.Environ(), "GOMAXPROCS=1"),
		Files: []uintptr{o.null.Fd(), uintptr(ends.Stdout), uintptr(ends.Stderr)},
	})
	return errors.Join(err, unix.Close(ends.Stdout), unix.Close(ends.Stderr))
}

// figures of this moment; the longest launch is told once.
func (o *owner) figures() any {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	m := o.engine.Metrics()
	return figures{
		Goroutines: runtime.NumGoroutine(), HeapBytes: memory.HeapInuse + memory.StackInuse,
		Streams: m.Streams, Recovered: m.Recovered, InBytes: m.InBytes(), WrittenBytes: m.WrittenBytes, DroppedBytes: m.DroppedBytes,
		Rotations: m.Rotations, Errors: m.RotationErrors + m.WriteErrors + m.Impostors, Panics: m.Panics,
		Compressions: m.Compressions, Launched: o.launched.Load(), Forks: o.forks.Load(),
		PrepareTime: time.Duration(o.longest.Swap(0)),
	}
}
