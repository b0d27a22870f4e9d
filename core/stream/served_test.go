package stream

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	"sluice/core/rotation"
	"sluice/core/sandbox"
	"sluice/core/settings"
	"sluice/core/worker"
	sluicepb "sluice/proto"
)

// served is one stream whose owners come and go: what they keep is the record and the
// files, as after kills.
type served struct {
	t         testing.TB
	dir       string
	container *os.File
	pipe      int
	settings  settings.Stream
	spill     string
	saved     atomic.Pointer[sluicepb.StreamRecord]
	moved     int64
	clock     func() time.Time
	log       bytes.Buffer

	// What it says, and hears, as the keeper and the parking of its streams.
	saveErr, forgetErr, spillErr error
	saves, forgotten             int
	full                         bool            // nobody may park
	tasks                        []rotation.Task // compressions
}

const servedLimitBytes = 4096

func newServed(t testing.TB, options string) *served {
	t.Helper()
	return newServedWith(t, "4KB", options)
}

func newServedWith(t testing.TB, size, options string) *served {
	t.Helper()
	module, _, err := settings.ParseModule([]settings.Parameter{
		{Key: "max_stdout_size", Value: size}, {Key: "logrotate_stdout_options", Value: options},
	})
	require.NoError(t, err)
	module.Stdout.WhenFull = settings.WhenFull{} // what cannot be written is dropped at once
	var fds [2]int
	require.NoError(t, unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK))
	s := &served{t: t, dir: t.TempDir(), spill: filepath.Join(t.TempDir(), "spill"), clock: time.Now, container: os.NewFile(uintptr(fds[1]), "container"), pipe: fds[0], settings: module.Stdout}
	s.saved.Store(&sluicepb.StreamRecord{Stream: "stdout", Sandbox: s.dir, Accounting: &sluicepb.Accounting{}})
	t.Cleanup(func() { _ = s.container.Close(); _ = unix.Close(s.pipe) })
	return s
}

// owner runs use with a stream that goes on from the record, on a worker thread, and lets
// it go as a kill does.
func (s *served) owner(use func(t *worker.Thread, of *Stream)) {
	s.t.Helper()
	box, err := sandbox.Open(s.dir)
	require.NoError(s.t, err)
	defer box.Close()
	pipe, err := unix.FcntlInt(uintptr(s.pipe), unix.F_DUPFD_CLOEXEC, 0)
	require.NoError(s.t, err)
	log := slog.New(slog.NewTextHandler(&s.log, nil))
	of := New(Config{
		Name: "stdout", Sandbox: box, Pipe: pipe, CapacityBytes: 64 << 10, Settings: s.settings,
		Rotation: rotation.Config{
			Dir: box, Path: s.dir, Base: "stdout", Policy: s.settings.Policy, LimitBytes: s.settings.Policy.LimitBytes(s.settings.MaxBytes), Log: log, Now: s.clock,
			Submit: func(task rotation.Task) { s.tasks = append(s.tasks, task) }, Kept: func(*rotation.Set, rotation.Kept, bool) {},
		},
		Record: proto.Clone(s.saved.Load()).(*sluicepb.StreamRecord),
		Keeper: s, Parking: s,
		Retry: time.Second, Now: s.clock, Log: log, CountLines: true,
	})
	onThread(s.t, func(t *worker.Thread) {
		require.NoError(s.t, of.Open(t, false))
		require.NoError(s.t, s.Save(of.Record)) // as the engine does with a new one
		use(t, of)
		of.Close()
	})
}

// Save, Forget and OpenSpill make it the keeper of its streams, and Admit their parking.
func (s *served) Save(r *sluicepb.StreamRecord) error {
	s.saves++
	if s.saveErr == nil {
		s.saved.Store(proto.Clone(r).(*sluicepb.StreamRecord))
	}
	return s.saveErr
}

func (s *served) Forget() error {
	if s.forgetErr == nil {
		s.forgotten++
	}
	return s.forgetErr
}

func (s *served) OpenSpill(create bool) (*os.File, error) {
	if s.spillErr != nil {
		return nil, s.spillErr
	}
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE
	}
	return os.OpenFile(s.spill, flags, 0o600)
}

func (s *served) Admit() bool { return !s.full }

func onThread(t testing.TB, f func(t *worker.Thread)) {
	t.Helper()
	self, err := worker.Self()
	require.NoError(t, err)
	pool := worker.NewOvertimePool(slog.New(slog.DiscardHandler))
	pool.Start()
	done := make(chan struct{})
	pool.Submit(&worker.Task{As: self, Run: func(thread *worker.Thread, refused error) {
		defer close(done)
		require.NoError(t, refused)
		f(thread)
	}})
	<-done
	pool.Close()
	pool.Wait()
	require.Zero(t, pool.Panics())
}

// writes has the container write lines, and the owner move them.
func (s *served) writes(t *worker.Thread, of *Stream, lines int) {
	s.t.Helper()
	text := strings.Repeat("nine more\n", lines)
	_, err := s.container.WriteString(text)
	require.NoError(s.t, err)
	s.moved += int64(len(text))
	for of.Account().InBytes() < s.moved {
		next := of.Service(t, nil, time.Now(), 0)
		require.False(s.t, next.Idle && of.Account().InBytes() < s.moved, "nothing more is moved")
	}
}

// visits has the container write a text, and the owner visit the stream until it is out of
// the pipe, a second after the other.
func (s *served) visits(thread *worker.Thread, of *Stream, before Account, text string, now *time.Time) {
	_, err := s.container.WriteString(text)
	require.NoError(s.t, err)
	want := before.InBytes() + int64(len(text))
	for range 100 {
		of.Service(thread, nil, *now, 0)
		*now = now.Add(time.Second)
		if of.Account().InBytes() == want {
			break
		}
	}
	require.Equal(s.t, want, of.Account().InBytes(), "taken out of the pipe")
}

func (s *served) live() string { return filepath.Join(s.dir, "stdout") }

func (s *served) text(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	require.NoError(s.t, err)
	return string(text)
}

// life is one owner of a stream, by a clock that the test sets.
type life struct {
	*served
	thread *worker.Thread
	of     *Stream
	now    time.Time
}

// live has use be an owner of the stream, and lets it go as a kill does.
func (s *served) lives(use func(l *life)) {
	l := &life{served: s, now: time.Now()}
	s.clock = func() time.Time { return l.now }
	s.owner(func(t *worker.Thread, of *Stream) {
		l.thread, l.of = t, of
		use(l)
	})
}

func (l *life) writes(text string) {
	l.t.Helper()
	_, err := l.container.WriteString(text)
	require.NoError(l.t, err)
}

// after looks at the stream when so much time has passed.
func (l *life) after(d time.Duration) Next {
	l.now = l.now.Add(d)
	return l.of.Service(l.thread, nil, l.now, 0)
}

// breaks has every write to the live file fail until it is mended.
func (l *life) breaks() (mend func()) {
	l.t.Helper()
	readable, err := os.Open(l.live())
	require.NoError(l.t, err)
	was := l.of.live
	l.of.live.file, l.of.live.fd = readable, int(readable.Fd())
	return func() {
		_ = readable.Close()
		l.of.live = was
	}
}
