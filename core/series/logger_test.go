package series

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sluice/core/rotation"
	"sluice/core/sandbox"
	"sluice/core/stream"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// logger stands for a stream: it writes whole lines, carries over the beginning of one
// that does not fit, and rotates by package rotation itself.
type logger struct {
	t       testing.TB
	dir     string
	box     *sandbox.Dir
	set     *rotation.Set
	limit   int
	live    *os.File
	size    int
	written bytes.Buffer
	now     time.Time
	// queue has the compressions; background runs them as they come.
	queue      []func()
	background bool
	jobs       sync.WaitGroup
}

func newLogger(t testing.TB, options string, limit int) *logger {
	t.Helper()
	dir := t.TempDir()
	policy, err := ReadPolicy(options)
	require.NoError(t, err)
	box, err := sandbox.Open(dir)
	require.NoError(t, err)
	l := &logger{t: t, dir: dir, box: box, limit: limit, now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	l.set, err = rotation.New(rotation.Config{
		Dir: box, Path: dir, Base: "stdout", Policy: policy, LimitBytes: int64(limit),
		Submit: l.submit, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return l.now },
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		l.jobs.Wait()
		_ = l.set.Close()
		_ = l.live.Close()
		_ = box.Close()
	})
	l.open()
	return l
}

func (l *logger) submit(task func()) {
	if !l.background {
		l.queue = append(l.queue, task)
		return
	}
	l.jobs.Go(task)
}

// compress does what is owed.
func (l *logger) compress() {
	for _, task := range l.queue {
		task()
	}
	l.queue = nil
}

func (l *logger) open() {
	var err error
	l.live, err = os.OpenFile(filepath.Join(l.dir, "stdout"), os.O_RDWR|os.O_CREATE, 0o644)
	require.NoError(l.t, err)
	info, err := l.live.Stat()
	require.NoError(l.t, err)
	l.size = int(info.Size())
}

// write writes text as it comes, as the stream does.
func (l *logger) write(text string) {
	l.written.WriteString(text)
	for text != "" {
		room := l.limit - l.size
		n := min(room, len(text))
		if n < len(text) {
			if cut := bytes.LastIndexByte([]byte(text[:n]), '\n'); cut >= 0 {
				n = cut + 1
			} else if l.lineStart() > 0 {
				n = 0
			}
		}
		if n > 0 {
			_, err := l.live.WriteAt([]byte(text[:n]), int64(l.size))
			require.NoError(l.t, err)
			l.size += n
			text = text[n:]
			continue
		}
		l.rotate()
	}
}

func (l *logger) lineStart() int64 {
	content := make([]byte, l.size)
	_, err := l.live.ReadAt(content, 0)
	require.NoError(l.t, err)
	return int64(bytes.LastIndexByte(content, '\n') + 1)
}

// rotate carries over what has to be and rotates.
func (l *logger) rotate() {
	start := l.lineStart()
	carried := ""
	if start > 0 && start < int64(l.size) {
		carried = fmt.Sprintf("%s%d-%d", stream.CarryPrefix("stdout"), start, l.size)
		f, err := l.box.Create(carried, 0o644)
		require.NoError(l.t, err)
		_, err = io.Copy(f, io.NewSectionReader(l.live, start, int64(l.size)-start))
		require.NoError(l.t, err)
		require.NoError(l.t, f.Close())
		require.NoError(l.t, l.live.Truncate(start))
	}
	_, err := l.set.Rotate(l.now)
	require.NoError(l.t, err)
	require.NoError(l.t, l.live.Close())
	if carried != "" {
		require.NoError(l.t, l.box.RenameNew(carried, l.box, "stdout"))
	}
	l.open()
}

// lines writes numbered lines of 16 bytes.
func (l *logger) lines(from, to int) {
	for i := from; i <= to; i++ {
		l.write(fmt.Sprintf("%015d\n", i))
	}
}

func numbered(from, to int) string {
	var b bytes.Buffer
	for i := from; i <= to; i++ {
		fmt.Fprintf(&b, "%015d\n", i)
	}
	return b.String()
}

// series opens what the logger writes.
func (l *logger) series(options string) *Series {
	l.t.Helper()
	return openSeries(l.t, l.dir, options)
}

func openSeries(t testing.TB, dir, options string) *Series {
	t.Helper()
	policy, err := ReadPolicy(options)
	require.NoError(t, err)
	box, err := sandbox.Open(dir)
	require.NoError(t, err)
	s := New(box, "stdout", policy)
	t.Cleanup(func() {
		_ = s.Close()
		_ = box.Close()
	})
	return s
}

// read opens a Reader whose notices are collected.
func read(t testing.TB, s *Series) (*Reader, *[]string) {
	t.Helper()
	r, err := s.Read()
	require.NoError(t, err)
	notices := &[]string{}
	r.Notice = func(message string) { *notices = append(*notices, message) }
	t.Cleanup(r.Close)
	return r, notices
}
