package engine

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/settings"
)

func (b *testbed) countsLines(on bool) {
	b.t.Helper()
	given := slices.DeleteFunc(slices.Clone(b.module.Given), func(p settings.Parameter) bool { return p.Key == "count_lines" })
	if !on {
		given = append(given, settings.Parameter{Key: "count_lines", Value: "false"})
	}
	var err error
	b.module, _, err = settings.ParseModule(given)
	require.NoError(b.t, err)
}

// A stream that rests has figures of all that it wrote; the next owner has the same, and
// goes on within a line.
func TestLinesOfAStreamThatRests(t *testing.T) {
	b := newTestbed(t)
	e := b.open()
	stdout, stderr := b.prepare(e, "l")
	defer stderr.Close()
	for i, text := range []string{"one\ntwo\nbegun", " and ended\n\n\n", "four", "\n"} {
		lines := []int64{2, 5, 5, 6}[i]
		write(t, stdout, []byte(text))
		waitFor(func() bool {
			s := b.status()["l/stdout"]
			return s.LiveBytes == s.InBytes && *s.InLines == lines && *s.WrittenLines == lines
		})
		e.Close()
		e = b.open()
		waitFor(func() bool { return *b.status()["l/stdout"].InLines == lines })
	}
	require.NoError(t, stdout.Close())
	waitFor(func() bool { return e.Metrics().Streams == 1 })
	assert.Equal(t, int64(6), e.Metrics().WrittenLines, "of the stream that has ended")
	assert.Zero(t, *b.status()["l/stderr"].InLines, "none is known too")
	e.Close()
}

// A stream whose pipe is never empty has figures nevertheless.
func TestLinesOfAStreamThatNeverRests(t *testing.T) {
	b := newTestbed(t, "max_stdout_rate", "100KB", "pipe_capacity", "64KB")
	e := b.open()
	defer e.Close()
	stdout, stderr := b.prepare(e, "l")
	require.NoError(t, stderr.Close())
	var stop atomic.Bool
	var input bytes.Buffer
	done := make(chan error, 1)
	go func() {
		for !stop.Load() {
			input.WriteString("again\n")
			if _, err := stdout.WriteString("again\n"); err != nil {
				done <- err
				return
			}
		}
		done <- stdout.Close()
	}()
	waitFor(func() bool { return e.Metrics().WrittenLines > 0 })
	stop.Store(true)
	require.NoError(t, <-done)
	waitEnded(e)
	assert.Equal(t, newlines(input.Bytes()), e.Metrics().WrittenLines)
}

// What a task does to its live file makes its own figures wrong, and nothing else.
func TestLinesOfATamperedFile(t *testing.T) {
	const limit = 16 << 10
	first, second := numbered(50, 100), numbered(60, 100)
	for _, tt := range []struct {
		name   string
		tamper func(t *testing.T, live string)
		// most is what the next owner can count of the first part after a kill.
		least, most int64
	}{
		{"truncated to nothing", func(t *testing.T, live string) { require.NoError(t, os.Truncate(live, 0)) }, 0, 0},
		{"truncated", func(t *testing.T, live string) { require.NoError(t, os.Truncate(live, 1050)) }, 10, 10},
		{"extended by lines", func(t *testing.T, live string) { appendTo(t, live, bytes.Repeat([]byte("\n"), 1000)) }, 1050, 1050},
		{"filled with more than is ever read", func(t *testing.T, live string) {
			appendTo(t, live, bytes.Repeat([]byte("\n"), 4*limit))
		}, 50 + limit - 5000, 50 + limit - 5000},
		{"extended by a hole of a terabyte", func(t *testing.T, live string) { require.NoError(t, os.Truncate(live, 1<<40)) }, 50, 50},
		{"replaced", func(t *testing.T, live string) {
			require.NoError(t, os.Remove(live))
			require.NoError(t, os.WriteFile(live, []byte("foreign\nlines\n"), 0o644))
		}, 2, 2},
		{"removed", func(t *testing.T, live string) { require.NoError(t, os.Remove(live)) }, 0, 0},
		{"made a directory", func(t *testing.T, live string) {
			require.NoError(t, os.Remove(live))
			require.NoError(t, os.Mkdir(live, 0o755))
		}, 0, 0},
	} {
		for _, killed := range []bool{false, true} {
			t.Run(tt.name+map[bool]string{false: ", counted before", true: ", owned anew"}[killed], func(t *testing.T) {
				b := newTestbed(t, "max_stdout_size", "16KB")
				e := b.open()
				stdout, stderr := b.prepare(e, "t")
				require.NoError(t, stderr.Close())
				write(t, stdout, first)
				waitFor(func() bool { return e.Metrics().WrittenLines == 50 && e.Metrics().Streams == 1 })
				want := []int64{50, 50}
				if killed {
					e.Close()
					want = []int64{tt.least, tt.most}
				}
				tt.tamper(t, filepath.Join(b.sandbox("t"), "stdout"))
				if killed {
					e = b.open()
					waitFor(func() bool { return e.Metrics().WrittenLines == want[0] && e.Metrics().Streams == 1 })
				}
				defer e.Close()
				write(t, stdout, second)
				require.NoError(t, stdout.Close())
				waitEnded(e)
				m := e.Metrics()
				assert.GreaterOrEqual(t, m.WrittenLines, want[0]+60)
				assert.LessOrEqual(t, m.WrittenLines, want[1]+60)
				assert.True(t, m.LinesKnown)
				assert.Zero(t, m.WriteErrors)
				assert.Zero(t, m.DroppedBytes)
			})
		}
	}
}

func appendTo(t *testing.T, path string, text []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	require.NoError(t, err)
	write(t, f, text)
	require.NoError(t, f.Close())
}

// Without count_lines there is no figure, also later, once something was not counted.
func TestLinesThatAreNotCounted(t *testing.T) {
	b := newTestbed(t, "max_stdout_size", "4KB", "logrotate_stdout_options", "rotate 100")
	reopen := func(e *Engine, on bool) *Engine {
		e.Close()
		b.countsLines(on)
		return b.open()
	}
	moved := func(e *Engine, bytes int64) { waitFor(func() bool { return e.Metrics().InBytes() == bytes }) }
	b.countsLines(false)
	e := b.open()
	stdout, stderr := b.prepare(e, "n")
	defer stderr.Close()
	write(t, stdout, numbered(10, 100))
	moved(e, 1000)
	assert.False(t, e.Metrics().LinesKnown)
	text, err := json.Marshal(b.status()["n/stdout"])
	require.NoError(t, err)
	assert.NotContains(t, string(text), `in_lines"`)
	assert.NotContains(t, string(text), `written_lines"`)

	e = reopen(e, true)
	assert.Nil(t, b.status()["n/stdout"].InLines, "not from the beginning")
	counted, err2 := b.prepare(e, "c")
	defer err2.Close()
	write(t, counted, numbered(10, 100))
	waitFor(func() bool { return e.Metrics().WrittenLines == 10 })

	e = reopen(e, false)
	write(t, counted, numbered(10, 100))
	moved(e, 3000)
	assert.False(t, e.Metrics().LinesKnown)
	e = reopen(e, true)
	waitFor(func() bool { return *b.status()["c/stdout"].InLines == 20 })

	e = reopen(e, false)
	write(t, counted, numbered(100, 100))
	moved(e, 13000)
	e = reopen(e, true)
	defer e.Close()
	assert.Nil(t, b.status()["c/stdout"].InLines, "the file was rotated meanwhile")
	require.NoError(t, stdout.Close())
	require.NoError(t, counted.Close())
	waitFor(func() bool { return e.Metrics().Streams == 2 })
	assert.True(t, e.Metrics().LinesKnown)
}
