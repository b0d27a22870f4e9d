package reactor

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/guard"
	"sluice/core/policyfile"
	"sluice/core/sandbox"
	"sluice/core/settings"
	"sluice/core/stream"
	"sluice/core/worker"
	sluicepb "sluice/proto"
	"sluice/tests/kit"
)

// one is a stream that a reactor serves for nobody else.
type one struct {
	Served
	of       *Reactor
	serviced atomic.Int64
	ended    atomic.Bool
}

func (o *one) Serviced() { o.serviced.Add(1) }

func (o *one) Ended() {
	o.of.Forget(&o.Served)
	o.ended.Store(true)
}

// nobody keeps no record.
type nobody struct{}

func (nobody) Save(*sluicepb.StreamRecord) error { return nil }
func (nobody) Forget() error                     { return nil }
func (nobody) OpenSpill(bool) (*os.File, error)  { return nil, fs.ErrNotExist }

// start makes a reactor that runs until the test ends.
func start(t *testing.T) *Reactor {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	r, err := New(Config{MaxDelay: 100 * time.Millisecond, Guard: guard.New(log), Log: log})
	require.NoError(t, err)
	r.Start()
	t.Cleanup(func() {
		r.Close()
		r.Wait()
		r.Compressions.Wait()
	})
	return r
}

// serve serves a stream into a directory, under options; it gives the end that writes.
func serve(t *testing.T, r *Reactor, options string) (*one, string, *os.File) {
	t.Helper()
	path := t.TempDir()
	module, _, err := settings.ParseModule([]settings.Parameter{
		{Key: "max_stdout_size", Value: "4KB"}, {Key: "logrotate_stdout_options", Value: options},
	})
	require.NoError(t, err)
	container, _, err := module.ForTask(nil, "", path)
	require.NoError(t, err)
	dir, err := sandbox.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = dir.Close() })
	var ends [2]int
	require.NoError(t, unix.Pipe2(ends[:], unix.O_CLOEXEC|unix.O_NONBLOCK))

	o := &one{of: r}
	files := &Files{Dir: dir, Path: path, Name: "stdout", As: r.Self, Settings: container.Stdout, Log: slog.New(slog.DiscardHandler)}
	made := r.Equip(&o.Served, o, files)
	made.Pipe, made.CapacityBytes, made.Keeper, made.Retry = ends[0], 64<<10, nobody{}, time.Second
	made.Record = &sluicepb.StreamRecord{Stream: "stdout", Sandbox: path, Accounting: &sluicepb.Accounting{}}
	o.Stream = stream.New(made)
	task := worker.Task{As: r.Self, Device: dir.Device()}
	require.NoError(t, r.Run(&task, "open", func(thread *worker.Thread) error { return o.Stream.Open(thread, true) }))
	r.Serve(&o.Served)
	return o, path, os.NewFile(uintptr(ends[1]), "writer")
}

func TestAStreamFromItsFirstByteToItsLast(t *testing.T) {
	r := start(t)
	o, path, writer := serve(t, r, "rotate 100\ncompress")
	want := kit.Lines(2000, 8)
	_, err := writer.Write(want)
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	kit.Wait(t, "the stream has ended", o.ended.Load)
	kit.Same(t, want, kit.Joined(t, 4<<10, path, "stdout"))
	assert.FileExists(t, filepath.Join(path, "stdout.1.gz"))
	assert.FileExists(t, filepath.Join(path, "stdout"+policyfile.Suffix))
	assert.Zero(t, r.Compressions.Seated())
	assert.Zero(t, r.Panics())
}

// Only policies that go by the calendar have the clock looked at, and only while there is a
// stream of that kind.
func TestTheClockIsLookedAtForCalendarsAlone(t *testing.T) {
	r := start(t)
	o, _, writer := serve(t, r, "rotate 1")
	assert.False(t, r.GoesByTheClock())
	require.NoError(t, writer.Close())
	kit.Wait(t, "the stream has ended", o.ended.Load)

	o, path, writer := serve(t, r, "rotate 9\nmaxage 1")
	assert.True(t, r.GoesByTheClock())
	_, err := writer.Write(kit.Lines(2000, 8))
	require.NoError(t, err)
	oldest := filepath.Join(path, "stdout.3")
	kit.Wait(t, "all is written", func() bool { return o.Stream.Account().WrittenBytes == 16000 })
	old := time.Now().Add(-49 * time.Hour)
	require.NoError(t, os.Chtimes(oldest, old, old))
	r.Tend()
	kit.Wait(t, "what is over its age goes", func() bool { _, err := os.Stat(oldest); return os.IsNotExist(err) })
	require.NoError(t, writer.Close())
	kit.Wait(t, "the stream has ended", o.ended.Load)
	r.Tend()
	assert.False(t, r.GoesByTheClock(), "without such a stream nothing runs")
}

// The end of a compression is never left out, also where the pools are closed.
func TestWhatIsDoneAtOnceIsDone(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	r, err := New(Config{Guard: guard.New(log), Log: log})
	require.NoError(t, err)
	r.Start()
	dir, err := sandbox.Open(t.TempDir())
	require.NoError(t, err)
	defer dir.Close()
	done := 0
	atOnce := r.AtOnce(dir, r.Self)
	atOnce(func() { done++ })
	r.Close()
	atOnce(func() { done++ })
	r.Wait()
	assert.Equal(t, 2, done)
}
