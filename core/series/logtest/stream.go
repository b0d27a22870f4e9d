package logtest

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/rotation"
	"sluice/core/sandbox"
	"sluice/core/settings"
	"sluice/core/stream"
	"sluice/core/worker"
	sluicepb "sluice/proto"
)

// Stream is a real stream, with its time index, by a clock that the test sets. Its files have
// the times of that clock too.
type Stream struct {
	// Dir is the sandbox, Name that of the live file.
	Dir, Name string
	// Now is the clock.
	Now time.Time
	// Written is all that was written so far.
	Written strings.Builder

	t         testing.TB
	box       *sandbox.Dir
	container *os.File
	pool      *worker.Pool
	self      worker.Identity
	of        *stream.Stream
	inBytes   int64
	queue     []rotation.Task
	timed     map[string]bool // names, with inodes, of rotated files that have their times
}

// NewStream begins the stream of a live file in a directory.
func NewStream(t testing.TB, dir, name, options, size string, now time.Time) *Stream {
	t.Helper()
	module, _, err := settings.ParseModule([]settings.Parameter{
		{Key: "max_stdout_size", Value: size}, {Key: "logrotate_stdout_options", Value: options},
	})
	require.NoError(t, err)
	s := &Stream{t: t, Dir: dir, Name: name, Now: now, timed: map[string]bool{}}
	s.box, err = sandbox.Open(dir)
	require.NoError(t, err)
	s.self, err = worker.Self()
	require.NoError(t, err)
	log := slog.New(slog.DiscardHandler)
	s.pool = worker.NewOvertimePool(log)
	s.pool.Start()
	var fds [2]int
	require.NoError(t, unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK))
	s.container = os.NewFile(uintptr(fds[1]), "container")
	s.of = stream.New(stream.Config{
		Name: name, Sandbox: s.box, Pipe: fds[0], CapacityBytes: 64 << 10, Settings: module.Stdout,
		Rotation: rotation.Config{
			Dir: s.box, Path: dir, Base: name, Policy: module.Stdout.Policy, LimitBytes: module.Stdout.Policy.LimitBytes(module.Stdout.MaxBytes),
			Log: log, Now: s.clock, Submit: s.submit, Kept: func(*rotation.Set, rotation.Kept, bool) {},
		},
		Record: &sluicepb.StreamRecord{Stream: name, Sandbox: dir, Accounting: &sluicepb.Accounting{}},
		Keeper: forgetful{}, Parking: forgetful{}, Retry: time.Second, Now: s.clock, Log: log,
	})
	s.onThread(func(thread *worker.Thread) { require.NoError(t, s.of.Open(thread, true)) })
	t.Cleanup(s.close)
	return s
}

func (s *Stream) close() {
	s.onThread(func(*worker.Thread) { s.of.Close() })
	_ = s.container.Close()
	s.pool.Close()
	s.pool.Wait()
	_ = s.box.Close()
}

func (s *Stream) clock() time.Time { return s.Now }

func (s *Stream) submit(task rotation.Task) { s.queue = append(s.queue, task) }

func (s *Stream) onThread(f func(*worker.Thread)) {
	done := make(chan struct{})
	s.pool.Submit(&worker.Task{As: s.self, Run: func(thread *worker.Thread, refused error) {
		defer close(done)
		if refused == nil {
			f(thread)
		}
	}})
	<-done
}

// Write has the container write a text, and the stream move it now.
func (s *Stream) Write(text string) {
	s.Written.WriteString(text)
	_, err := s.container.WriteString(text)
	require.NoError(s.t, err)
	s.inBytes += int64(len(text))
	s.onThread(func(thread *worker.Thread) {
		for s.of.Account().InBytes() < s.inBytes {
			s.of.Service(thread, nil, s.Now, 0)
		}
	})
	s.giveTimes()
}

// Visit looks at the stream, so that it writes its index if it is time to.
func (s *Stream) Visit() {
	s.onThread(func(thread *worker.Thread) { s.of.Service(thread, nil, s.Now, 0) })
}

// giveTimes gives files the times of the clock: the live one, and those that were not rotated when
// it was called last, which were written since then.
func (s *Stream) giveTimes() {
	require.NoError(s.t, filepath.WalkDir(s.Dir, func(path string, e os.DirEntry, err error) error {
		name := filepath.Base(path)
		if err != nil || e.IsDir() || !strings.HasPrefix(name, s.Name) || name == s.Name+".times" {
			return err
		}
		info, err := s.infoOf(path)
		if err != nil || s.timed[info] {
			return err
		}
		s.timed[info] = name != s.Name
		return os.Chtimes(path, s.Now, s.Now)
	}))
}

// infoOf tells files apart: the inode of one that is compressed comes again.
func (s *Stream) infoOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := sandbox.StatFile(f)
	return fmt.Sprint(info.Inode, sandbox.BirthOf(f)), err
}

// Compress does what is owed.
func (s *Stream) Compress() {
	for _, task := range s.queue {
		s.onThread(func(*worker.Thread) { task(nil) })
	}
	s.queue = nil
	err := filepath.WalkDir(s.Dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			var info string
			info, err = s.infoOf(path)
			s.timed[info] = filepath.Base(path) != s.Name
		}
		return err
	})
	require.NoError(s.t, err)
}

// End has the stream write what it has of its index.
func (s *Stream) End() { s.onThread(func(*worker.Thread) { s.of.CountOn() }) }

// forgetful keeps nothing of a stream.
type forgetful struct{}

func (forgetful) Save(*sluicepb.StreamRecord) error { return nil }
func (forgetful) Forget() error                     { return nil }
func (forgetful) Admit() bool                       { return true }

func (forgetful) OpenSpill(bool) (*os.File, error) { return nil, os.ErrNotExist }
