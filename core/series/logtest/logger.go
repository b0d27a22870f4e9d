// Package logtest writes a rotated series for the tests of those who read one: as the
// logger does, with package rotation itself, but by plain writes and when it is told.
package logtest

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sluice/core/logformat"
	"sluice/core/logrotate"
	"sluice/core/rotation"
	"sluice/core/sandbox"
	"sluice/tests/kit"
)

// Logger stands for a stream: it writes whole lines, carries over the beginning of one
// that does not fit, and rotates by package rotation itself.
type Logger struct {
	// Dir is the sandbox, Live the live file, of which Size bytes are written.
	Dir  string
	Live *os.File
	Size int
	// Written is all that was written so far.
	Written bytes.Buffer
	// Now is the clock of rotations.
	Now time.Time
	// Background compresses as soon as there is something to compress; else Compress does.
	Background bool

	t     testing.TB
	box   *sandbox.Dir
	set   *rotation.Set
	limit int
	queue []rotation.Task
	jobs  sync.WaitGroup
}

// New begins a log in a directory of the test's. The options may name no user.
func New(t testing.TB, options string, limit int) *Logger {
	t.Helper()
	dir := t.TempDir()
	policy, _, err := logrotate.Parse(options, logrotate.Rules{AllowScripts: true})
	require.NoError(t, err)
	box, err := sandbox.Open(dir)
	require.NoError(t, err)
	l := &Logger{t: t, Dir: dir, box: box, limit: limit, Now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	l.set, err = rotation.New(rotation.Config{
		Dir: box, Path: dir, Base: "stdout", Policy: policy, LimitBytes: int64(limit),
		Submit: l.submit, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return l.Now },
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		l.jobs.Wait()
		_ = l.set.Close()
		_ = l.Live.Close()
		_ = box.Close()
	})
	l.Open()
	return l
}

func (l *Logger) submit(task rotation.Task) {
	if !l.Background {
		l.queue = append(l.queue, task)
		return
	}
	l.jobs.Go(func() { task(nil) })
}

// Compress does what is owed.
func (l *Logger) Compress() {
	for _, task := range l.queue {
		task(nil)
	}
	l.queue = nil
}

// Open opens the live file, a new one where there is none.
func (l *Logger) Open() {
	var err error
	l.Live, err = os.OpenFile(filepath.Join(l.Dir, "stdout"), os.O_RDWR|os.O_CREATE, 0o644)
	require.NoError(l.t, err)
	info, err := l.Live.Stat()
	require.NoError(l.t, err)
	l.Size = int(info.Size())
}

// Write writes text as it comes, as the stream does.
func (l *Logger) Write(text string) {
	l.Written.WriteString(text)
	for text != "" {
		room := l.limit - l.Size
		n := min(room, len(text))
		if n < len(text) {
			if cut := bytes.LastIndexByte([]byte(text[:n]), '\n'); cut >= 0 {
				n = cut + 1
			} else if l.lineStart() > 0 {
				n = 0
			}
		}
		if n > 0 {
			_, err := l.Live.WriteAt([]byte(text[:n]), int64(l.Size))
			require.NoError(l.t, err)
			l.Size += n
			text = text[n:]
			continue
		}
		l.Rotate()
	}
}

func (l *Logger) lineStart() int64 {
	content := make([]byte, l.Size)
	_, err := l.Live.ReadAt(content, 0)
	require.NoError(l.t, err)
	return int64(bytes.LastIndexByte(content, '\n') + 1)
}

// Rotate carries over what has to be and rotates.
func (l *Logger) Rotate() {
	start := l.lineStart()
	carried := ""
	if start > 0 && start < int64(l.Size) {
		carried = logformat.CarryName("stdout", start, int64(l.Size))
		f, err := l.box.Create(carried, 0o644)
		require.NoError(l.t, err)
		_, err = io.Copy(f, io.NewSectionReader(l.Live, start, int64(l.Size)-start))
		require.NoError(l.t, err)
		require.NoError(l.t, f.Close())
		require.NoError(l.t, l.Live.Truncate(start))
	}
	_, err := l.set.Rotate(l.Now)
	require.NoError(l.t, err)
	require.NoError(l.t, l.Live.Close())
	if carried != "" {
		require.NoError(l.t, l.box.RenameNew(carried, l.box, "stdout"))
	}
	l.Open()
}

// Lines writes numbered lines of 16 bytes.
func (l *Logger) Lines(from, to int) {
	for i := from; i <= to; i++ {
		l.Write(Numbered(i, i))
	}
}

// Numbered is what Lines writes.
func Numbered(from, to int) string { return string(kit.LinesFrom(from, to-from+1, 16)) }

// TB is the test that the logger belongs to.
func (l *Logger) TB() testing.TB { return l.t }
