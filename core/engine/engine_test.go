package engine

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/settings"
	"sluice/tests/kit"
)

// testbed is a state directory and a place for sandboxes.
type testbed struct {
	t      *testing.T
	state  string
	boxes  string
	module settings.Module
	log    *bytes.Buffer
}

func newTestbed(t *testing.T, parameters ...string) *testbed {
	t.Helper()
	b := &testbed{t: t, state: filepath.Join(t.TempDir(), "state"), boxes: t.TempDir(), log: &bytes.Buffer{}}
	params := []settings.Parameter{{Key: "state_dir", Value: b.state}}
	for i := 0; i < len(parameters); i += 2 {
		params = append(params, settings.Parameter{Key: parameters[i], Value: parameters[i+1]})
	}
	if !slices.Contains(parameters, "prepare_timeout") {
		params = append(params, settings.Parameter{Key: "prepare_timeout", Value: "10mins"}) // the disk may be busy
	}
	var err error
	b.module, _, err = settings.ParseModule(params)
	require.NoError(t, err)
	return b
}

func (b *testbed) open() *Engine {
	b.t.Helper()
	e, err := Open(b.module, b.logger())
	require.NoError(b.t, err)
	b.t.Cleanup(func() {
		if b.t.Failed() {
			b.t.Log(b.log.String())
		}
	})
	return e
}

func (b *testbed) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(&lockedWriter{w: b.log}, nil))
}

type lockedWriter struct {
	sync.Mutex
	w *bytes.Buffer
}

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.Lock()
	defer w.Unlock()
	return w.w.Write(p)
}

func (b *testbed) sandbox(id string) string {
	b.t.Helper()
	path := filepath.Join(b.boxes, id)
	require.NoError(b.t, os.MkdirAll(path, 0o755))
	return path
}

func (b *testbed) prepare(e *Engine, id string, env ...settings.Variable) (stdout, stderr *os.File) {
	b.t.Helper()
	d, err := e.Prepare(Launch{ContainerID: id, Sandbox: b.sandbox(id), Environment: env})
	require.NoError(b.t, err)
	return os.NewFile(uintptr(d.Stdout), "stdout"), os.NewFile(uintptr(d.Stderr), "stderr")
}

// waitFor waits for a condition that its own text tells.
func waitFor(condition func() bool) { kit.Until(condition) }

func waitEnded(e *Engine) { waitFor(func() bool { return e.Metrics().Streams == 0 }) }

// series joins the files of a series from the oldest to the live one and checks
// that none is over the limit or ends within a line.
func (b *testbed) series(id, name string, limit int) []byte {
	b.t.Helper()
	return kit.Joined(b.t, limit, b.sandbox(id), name)
}

// sameBytes compares long outputs and shows where they part.
func sameBytes(t *testing.T, want, got []byte) {
	t.Helper()
	kit.Same(t, want, got)
}

// stateNames lists what the state directory has of streams.
func (b *testbed) stateNames() []string {
	b.t.Helper()
	entries, err := os.ReadDir(b.state)
	require.NoError(b.t, err)
	var names []string
	for _, entry := range entries {
		if name := entry.Name(); name != "lock" && name != "settings" && name != "owner.socket" {
			names = append(names, name)
		}
	}
	return names
}

// numbered is count lines of length bytes that tell their number.
func numbered(count, length int) []byte { return kit.Lines(count, length) }

// sevenDigits is n lines of 8 bytes.
func sevenDigits(n int) []byte { return kit.Lines(n, 8) }

func TestStreamsEndToEnd(t *testing.T) {
	b := newTestbed(t, "max_stdout_size", "64KB", "logrotate_stdout_options", "rotate 1000")
	e := b.open()
	defer e.Close()
	want := numbered(20000, 100)
	stdout, stderr := b.prepare(e, "one")
	_, err := stderr.WriteString("a word on stderr\n")
	require.NoError(t, err)
	_, err = stdout.Write(want)
	require.NoError(t, err)
	require.NoError(t, stdout.Close())
	require.NoError(t, stderr.Close())
	waitEnded(e)

	sameBytes(t, want, b.series("one", "stdout", 64<<10))
	assert.Equal(t, "a word on stderr\n", string(b.series("one", "stderr", 10<<20)))
	assert.Empty(t, b.stateNames())
	m := e.Metrics()
	assert.Equal(t, int64(len(want)+17), m.InBytes())
	assert.Equal(t, m.InBytes(), m.WrittenBytes)
	assert.Equal(t, int64(len(want)/(64<<10)), m.Rotations)
	assert.FileExists(t, filepath.Join(b.sandbox("one"), "stdout.logrotate.conf"))
}

// TestLinesOfEveryLength covers cuts at, before and behind newlines, lines that are
// carried over and lines longer than the limit.
func TestLinesOfEveryLength(t *testing.T) {
	const limit = 4096
	b := newTestbed(t, "max_stdout_size", "4KB", "logrotate_stdout_options", "rotate 1000")
	e := b.open()
	defer e.Close()
	stdout, stderr := b.prepare(e, "lines")
	require.NoError(t, stderr.Close())
	var want []byte
	for length := 1; length < 3*limit; length = length*7/5 + 1 {
		want = append(want, append(bytes.Repeat([]byte("l"), length), '\n')...)
		for piece := 0; piece < length; piece += 1500 {
			want = append(want, fmt.Sprintf("%d of %d\n", piece, length)...)
		}
	}
	for rest := want; len(rest) > 0; {
		n := min(len(rest), 777)
		_, err := stdout.Write(rest[:n])
		require.NoError(t, err)
		rest = rest[n:]
		if len(rest)%2 == 0 {
			waitFor(func() bool { return e.Metrics().InBytes() == int64(len(want)-len(rest)) })
		}
	}
	require.NoError(t, stdout.Close())
	waitEnded(e)
	files, err := kit.Series(b.sandbox("lines"), "stdout")
	require.NoError(t, err)
	for _, f := range files {
		require.LessOrEqual(t, len(f.Text), limit)
		if !bytes.HasSuffix(f.Text, []byte("\n")) {
			assert.Len(t, f.Text, limit, "only a line longer than the limit is cut, and at the limit")
			assert.NotContains(t, string(f.Text), "\n", "and it has the file to itself")
		}
	}
	sameBytes(t, want, kit.Join(files))
}

func TestManyContainersLeaveNothingBehind(t *testing.T) {
	b := newTestbed(t, "max_stdout_size", "32KB", "logrotate_stdout_options", "rotate 1000")
	e := b.open()
	defer e.Close()
	want := numbered(3000, 60)
	round := func(name string) {
		var writers sync.WaitGroup
		for i := range 40 {
			stdout, stderr := b.prepare(e, fmt.Sprintf("%s-%d", name, i))
			writers.Go(func() {
				_, err := stdout.Write(want)
				assert.NoError(t, err)
				assert.NoError(t, stdout.Close())
				assert.NoError(t, stderr.Close())
			})
		}
		writers.Wait()
		waitEnded(e)
		for i := range 40 {
			sameBytes(t, want, b.series(fmt.Sprintf("%s-%d", name, i), "stdout", 32<<10))
		}
	}
	round("first")
	descriptors, goroutines := countOpened(t), runtime.NumGoroutine()
	round("second")
	assert.LessOrEqual(t, countOpened(t), descriptors)
	assert.LessOrEqual(t, runtime.NumGoroutine(), goroutines)
	assert.Empty(t, b.stateNames())
}

// countOpened leaves out what each worker thread has for itself: a pipe without a name,
// and /dev/null.
func countOpened(t *testing.T) (count int) {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	require.NoError(t, err)
	for _, link := range links {
		if path, err := os.Readlink(link); err == nil && !strings.HasPrefix(path, "pipe:") && path != os.DevNull {
			count++
		}
	}
	return count
}

func countDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(entries)
}

// TestNextOwnerGoesOn closes the engine in the middle of the output, with containers
// alive, and opens another on the same state directory.
func TestNextOwnerGoesOn(t *testing.T) {
	b := newTestbed(t, "max_stdout_size", "16KB", "logrotate_stdout_options", "rotate 1000")
	want := numbered(60000, 80)
	e := b.open()
	stdout, stderr := b.prepare(e, "long")
	written := make(chan error, 1)
	go func() {
		_, err := stdout.Write(want)
		written <- err
	}()
	for range 10 {
		before := e.Metrics().InBytes()
		waitFor(func() bool { in := e.Metrics().InBytes(); return in > before || in == int64(len(want)) })
		e.Close()
		e = b.open()
	}
	require.NoError(t, <-written)
	// A pipe that nobody has open keeps nothing: the container must not end while
	// there is no owner.
	require.NoError(t, stdout.Close())
	require.NoError(t, stderr.Close())
	waitEnded(e)
	defer e.Close()
	sameBytes(t, want, b.series("long", "stdout", 16<<10))
	assert.Empty(t, b.stateNames())
}

func TestTaskTruncatesItsLog(t *testing.T) {
	b := newTestbed(t)
	e := b.open()
	defer e.Close()
	stdout, stderr := b.prepare(e, "t")
	require.NoError(t, stderr.Close())
	live := filepath.Join(b.sandbox("t"), "stdout")
	_, err := stdout.WriteString("before\n")
	require.NoError(t, err)
	waitFor(func() bool { return e.Metrics().WrittenBytes == 7 })
	require.NoError(t, os.Truncate(live, 0))
	_, err = stdout.WriteString("after\n")
	require.NoError(t, err)
	require.NoError(t, stdout.Close())
	waitEnded(e)
	data, err := os.ReadFile(live)
	require.NoError(t, err)
	assert.Equal(t, "after\n", string(data), "no hole")
}

func TestLiveFileCountsFromItsSize(t *testing.T) {
	b := newTestbed(t, "max_stdout_size", "4KB", "logrotate_stdout_options", "rotate 1000")
	e := b.open()
	defer e.Close()
	old := numbered(30, 100)
	require.NoError(t, os.WriteFile(filepath.Join(b.sandbox("old"), "stdout"), old, 0o644))
	stdout, stderr := b.prepare(e, "old")
	require.NoError(t, stderr.Close())
	fresh := numbered(60, 100)
	_, err := stdout.Write(fresh)
	require.NoError(t, err)
	require.NoError(t, stdout.Close())
	waitEnded(e)
	sameBytes(t, append(old, fresh...), b.series("old", "stdout", 4096))
}

func TestRemovedLiveFileAndSandbox(t *testing.T) {
	b := newTestbed(t)
	e := b.open()
	defer e.Close()
	stdout, stderr := b.prepare(e, "r")
	require.NoError(t, stderr.Close())
	box := b.sandbox("r")
	live := filepath.Join(box, "stdout")
	require.NoError(t, os.Remove(live))
	_, err := stdout.WriteString("in a new file\n")
	require.NoError(t, err)
	waitFor(func() bool { return e.Metrics().WrittenBytes == 14 })
	data, err := os.ReadFile(live)
	require.NoError(t, err)
	assert.Equal(t, "in a new file\n", string(data))

	require.NoError(t, os.RemoveAll(box))
	_, err = stdout.WriteString("nowhere\nto go\n")
	require.NoError(t, err)
	require.NoError(t, stdout.Close())
	waitEnded(e)
	m := e.Metrics()
	assert.Equal(t, int64(14), m.DroppedBytes)
	assert.Equal(t, int64(2), m.DroppedLines)
	assert.Equal(t, int64(28), m.InBytes())
	assert.Zero(t, m.WriteErrors)
}

func TestPrepareRefuses(t *testing.T) {
	b := newTestbed(t)
	e := b.open()
	defer e.Close()
	file := filepath.Join(b.boxes, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, c := range []struct {
		name, message string
		launch        Launch
	}{
		{"missing sandbox", "no such file or directory", Launch{Sandbox: filepath.Join(b.boxes, "missing")}},
		{"sandbox is a file", "not a directory", Launch{Sandbox: file}},
		{"unknown user", `"no-such-user"`, Launch{Sandbox: b.sandbox("u"), User: "no-such-user"}},
		{"unknown variable", "CONTAINER_LOGGER_MAX_STDOUT_SIZE", Launch{Sandbox: b.sandbox("v"), Environment: []settings.Variable{{Name: "CONTAINER_LOGGER_MAX_STDOUT_SIZES", Value: "1MB"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := e.Prepare(c.launch)
			require.ErrorContains(t, err, c.message)
		})
	}
	assert.Empty(t, b.stateNames())
	assert.Zero(t, e.Metrics().Streams)
}

// TestFiguresDoNotWaitForAnEngineThatOpens: a keeper may take half a minute to hand over.
func TestFiguresDoNotWaitForAnEngineThatOpens(t *testing.T) {
	opening.Lock() // as Share holds it while it opens
	defer opening.Unlock()
	told := make(chan struct{})
	go func() { defer close(told); Shared() }()
	select {
	case <-told:
	case <-time.After(waitLimit):
		t.Fatal("the figures wait")
	}
}
