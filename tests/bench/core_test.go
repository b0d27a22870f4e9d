package main

// Benchmarks of the core alone, in one process and without the harness:
//
//	go test -run '^$' -bench . -count 10 | tee new.txt && benchstat old.txt new.txt

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/core/engine"
	"sluice/core/pump"
	"sluice/core/settings"
)

const pipeBytes = 1 << 20

// fullPipe makes a pipe of the usual capacity; fill fills it with lines.
func fullPipe(b *testing.B) (reading int, fill func()) {
	b.Helper()
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { unix.Close(ends[0]); unix.Close(ends[1]) })
	if _, err := unix.FcntlInt(uintptr(ends[1]), unix.F_SETPIPE_SZ, pipeBytes); err != nil {
		b.Skipf("this user may not have a pipe of %d bytes (see pipe-max-size and pipe-user-pages-soft in proc(5)): %v", pipeBytes, err)
	}
	block := bytes.Repeat(append(bytes.Repeat([]byte("x"), 127), '\n'), 512)
	return ends[0], func() {
		for {
			if _, err := unix.Write(ends[1], block); errors.Is(err, unix.EAGAIN) {
				return
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkSplice moves a full pipe to a file.
func BenchmarkSplice(b *testing.B) {
	var scratch pump.Scratch
	defer scratch.Close()
	pipe, fill := fullPipe(b)
	f, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	b.SetBytes(pipeBytes)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		fill()
		b.StartTimer()
		for {
			_, err := scratch.Splice(pipe, int(f.Fd()), 0, pipeBytes)
			if errors.Is(err, pump.ErrEmpty) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkWholeLines finds where to cut: once per rotation.
func BenchmarkWholeLines(b *testing.B) {
	var scratch pump.Scratch
	defer scratch.Close()
	pipe, fill := fullPipe(b)
	fill()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := scratch.WholeLines(pipe, pipeBytes-1); err != nil {
			b.Fatal(err)
		}
	}
}

// openEngine opens an engine with its state on a tmpfs, as advised.
func openEngine(b *testing.B) *engine.Engine {
	b.Helper()
	root := b.TempDir()
	if onTmpfs("/dev/shm") {
		var err error
		if root, err = os.MkdirTemp("/dev/shm", "sluice-bench"); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { os.RemoveAll(root) })
	}
	module, _, err := settings.ParseModule([]settings.Parameter{
		{Key: "state_dir", Value: filepath.Join(root, "state")},
		{Key: "logrotate_stdout_options", Value: "rotate 4"},
	})
	if err != nil {
		b.Fatal(err)
	}
	e, err := engine.Open(module, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(e.Close)
	return e
}

func launch(b *testing.B, e *engine.Engine, boxes string, i int) engine.Descriptors {
	b.Helper()
	id := fmt.Sprintf("container-%d", i)
	box := filepath.Join(boxes, id)
	if err := os.Mkdir(box, 0o755); err != nil {
		b.Fatal(err)
	}
	d, err := e.Prepare(engine.Launch{ContainerID: id, Sandbox: box})
	if err != nil {
		b.Fatal(err)
	}
	return d
}

// BenchmarkPrepare prepares both streams of a container and ends them.
func BenchmarkPrepare(b *testing.B) {
	e, boxes := openEngine(b), b.TempDir()
	i := 0
	for b.Loop() {
		d := launch(b, e, boxes, i)
		i++
		b.StopTimer()
		unix.Close(d.Stdout)
		unix.Close(d.Stderr)
		b.StartTimer()
	}
}

// BenchmarkLines writes lines of 100 bytes, one write each: what the writer sees,
// with the engine in the same process.
func BenchmarkLines(b *testing.B) {
	e := openEngine(b)
	d := launch(b, e, b.TempDir(), 0)
	defer unix.Close(d.Stderr)
	defer unix.Close(d.Stdout)
	line := append(bytes.Repeat([]byte("x"), lineBytes-1), '\n')
	b.SetBytes(lineBytes)
	for b.Loop() {
		if _, err := unix.Write(d.Stdout, line); err != nil {
			b.Fatal(err)
		}
	}
}
