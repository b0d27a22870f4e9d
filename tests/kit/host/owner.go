package host

import (
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/settings"
	"sluice/tests/kit"
)

// Owner is a host in a process of its own, amid a storm of fork and exec.
type Owner struct {
	*Host
	forks  atomic.Int64
	ending atomic.Bool
}

// Figures are what every owner says of itself.
type Figures struct {
	Goroutines   int
	Streams      int64
	Compressions int64
	Panics       int64
	InBytes      int64
	WrittenBytes int64
	DroppedBytes int64
	Rotations    int64
	Launched     int64
	Forks        int64
}

// Own opens an owner with parameters, which logs to stderr. It is asked for figures on stdin, as kit.Running
// does, and is told to end by SIGTERM.
func Own(parameters []settings.Parameter, figures func(*Owner) any) (*Owner, error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	h, err := Open(log, parameters)
	if err != nil {
		return nil, err
	}
	o := &Owner{Host: h}
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, unix.SIGTERM)
	go func() {
		<-terminate
		o.ending.Store(true)
	}()
	go kit.Answer(func() any { return figures(o) })
	go kit.Storm(o.ending.Load, func() { o.forks.Add(1) })
	return o, nil
}

// Serve has step called again and again, which says whether it had something to do, until the
// owner is told to end; it ends itself once all streams have ended.
func (o *Owner) Serve(step func() (busy bool, err error)) error {
	for {
		kit.Reap()
		busy := false
		if m := o.Engine.Metrics(); !o.ending.Load() {
			var err error
			if busy, err = step(); err != nil {
				return err
			}
		} else if m.Streams == 0 && m.Compressions == 0 {
			return nil
		}
		if !busy {
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// Figures of this moment.
func (o *Owner) Figures() Figures {
	m := o.Engine.Metrics()
	return Figures{
		Goroutines: runtime.NumGoroutine(), Streams: m.Streams, Compressions: m.Compressions, Panics: m.Panics,
		InBytes: m.InBytes(), WrittenBytes: m.WrittenBytes, DroppedBytes: m.DroppedBytes,
		Rotations: m.Rotations, Launched: o.launched.Load(), Forks: o.forks.Load(),
	}
}
