package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/mesos/mesos-go/api/v1/lib/agent"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/sandbox"
	"sluice/core/series"
	"sluice/core/series/logtest"
)

// alike are contents in which files are like each other, and two that tell them apart.
var alike = map[string]func(from, to int) string{
	"one line":    func(from, to int) string { return strings.Repeat("GET /health 200 OK\n", to-from) },
	"zeros":       func(from, to int) string { return strings.Repeat("\x00", 19*(to-from)) },
	"ten lines":   func(from, to int) string { return cycle(from, to, 10) },
	"1000 lines":  func(from, to int) string { return cycle(from, to, 1000) },
	"other lines": func(from, to int) string { return logtest.Numbered(from, to-1) },
}

func cycle(from, to, period int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "report line %03d of the day\n", i%period)
	}
	return b.String()
}

// A series at rest is read whole whatever it holds, and nothing is complained of.
func TestSeriesAtRestIsReadWhole(t *testing.T) {
	var wait sync.WaitGroup
	for name, content := range alike {
		for _, options := range []string{"rotate 4", "rotate 300", "rotate 300\ncompress", "rotate 4\ndateext", "rotate 0"} {
			l := newLog(t, options, 4096)
			l.Write(content(1, 3000))
			l.Compress()
			kept := l.kept(t)
			for _, lines := range []int{-1, 1, 100, 500} {
				wait.Go(func() {
					what := fmt.Sprintf("%s, %s, %d lines", name, options, lines)
					want := kept
					r := l.open(t)
					if lines >= 0 {
						want = lastLines(kept, lines)
						assert.NoError(t, r.Last(t.Context(), int64(lines)), what)
					}
					var out bytes.Buffer
					assert.NoError(t, r.Copy(t.Context(), &out), what)
					assert.True(t, bytes.Equal(want, out.Bytes()), "%s: %d of %d bytes", what, out.Len(), len(want))
				})
			}
		}
	}
	wait.Wait()
}

// kept is what a reader on the machine itself finds: the end of what was written.
func (l *remoteLog) kept(t *testing.T) []byte {
	t.Helper()
	dir, err := sandbox.Open(l.Dir)
	require.NoError(t, err)
	defer dir.Close()
	shown, err := series.ShownPolicy(dir, "stdout")
	require.NoError(t, err)
	s := series.New(dir, "stdout", shown.Policy)
	defer s.Close()
	r, err := s.Read()
	require.NoError(t, err)
	defer r.Close()
	var out bytes.Buffer
	require.NoError(t, r.Copy(t.Context(), &out))
	require.True(t, bytes.HasSuffix(l.Written.Bytes(), out.Bytes()))
	return out.Bytes()
}

func lastLines(text []byte, lines int) []byte {
	if bytes.IndexByte(text, '\n') < 0 {
		return text
	}
	at := len(text) - 1
	for ; lines > 0 && at >= 0; lines-- {
		at = bytes.LastIndexByte(text[:at], '\n')
	}
	return text[at+1:]
}

// Rotations come between any two calls, and files are alike: a follower has written all of the
// log, or says that some may be missing and fails. Where nothing is removed nothing is
// said, nor where files are told from each other by what they hold.
func TestWhatCannotBeToldIsSaid(t *testing.T) {
	var wait sync.WaitGroup // as each waits for a second of the clock
	for name, content := range alike {
		for _, options := range []string{"rotate 300", "rotate 300\ncompress", "rotate 24", "rotate 24\ncompress", "rotate 3", "rotate 1", "rotate 3\ndateext", "rotate 0"} {
			for seed := range uint64(3) {
				l := newLog(t, options, 4096)
				wait.Go(func() {
					random := rand.New(rand.NewPCG(seed, 1))
					whole := l.followed(t, content, random)
					removed := !strings.HasPrefix(options, "rotate 300")
					if !removed || name == "other lines" && strings.HasPrefix(options, "rotate 24") {
						assert.True(t, whole, "%s, %q, seed %d: said %q", name, options, seed, l.notices)
					}
				})
			}
		}
	}
	wait.Wait()
}

// followed follows a log that is rotated between the calls, and tells whether all was written.
func (l *remoteLog) followed(t *testing.T, content func(from, to int) string, random *rand.Rand) (whole bool) {
	line, calls := 1, 0
	write := func(lines int) {
		l.Write(content(line, line+lines))
		line += lines
	}
	write(100)
	r := l.open(t)
	l.server.mu.Lock()
	l.before = func(*agent.Call) {
		if calls++; calls > 60 || random.IntN(3) > 0 {
			return
		}
		more := 1 + random.IntN(700)
		if random.IntN(2) == 0 {
			more = 4096 / 19 // a file, as near as may be
		}
		write(more)
		if random.IntN(2) == 0 {
			l.Compress()
		}
	}
	l.server.mu.Unlock()
	var out bytes.Buffer
	err := r.Follow(t.Context(), &out, func(context.Context) (bool, error) {
		l.server.mu.Lock()
		defer l.server.mu.Unlock()
		return calls > 60, nil
	})
	what := fmt.Sprintf("%d of %d bytes, error %v, said %q", out.Len(), l.Written.Len(), err, l.notices)
	switch {
	case err == nil:
		assert.True(t, bytes.Equal(l.Written.Bytes(), out.Bytes()), what)
		assert.Empty(t, l.notices, what)
		return true
	case errors.Is(err, series.ErrIncomplete):
		assert.NotEmpty(t, l.notices, what)
	default:
		assert.ErrorContains(t, err, "is rotated faster than it can be looked at", what)
	}
	return false
}

// So many lines are printed as were asked for, also while the task writes.
func TestLastLinesWhileItIsWritten(t *testing.T) {
	for seed := range 20 {
		l := newLog(t, "rotate 300", 4096)
		l.Lines(1, 1000)
		random := rand.New(rand.NewPCG(uint64(seed), 2))
		line := 1001
		l.before = func(*agent.Call) {
			if random.IntN(3) == 0 {
				more := random.IntN(300)
				l.Lines(line, line+more)
				line += more + 1
			}
		}
		lines := 1 + random.IntN(500)
		r := l.open(t)
		require.NoError(t, r.Last(t.Context(), int64(lines)))
		var out bytes.Buffer
		require.NoError(t, r.Copy(t.Context(), &out))
		assert.Equal(t, lines, bytes.Count(out.Bytes(), []byte("\n")))
		assert.True(t, bytes.Contains(l.Written.Bytes(), out.Bytes()))
		assert.Empty(t, l.notices)
	}
}

// A series from which nothing was removed yet tells by itself how often it was rotated.
func TestSeriesThatTellsByItself(t *testing.T) {
	for options, certain := range map[string]bool{"rotate 300": true, "rotate 2": false, "rotate 0": false} {
		l := newLog(t, options, 4096)
		l.Write(strings.Repeat("y\n", 10000))
		s, err := l.agent.Open(t.Context(), "/sandbox", "stdout")
		require.NoError(t, err)
		now, err := s.snapshot(t.Context())
		require.NoError(t, err)
		now.after(nil)
		assert.Equal(t, certain, now.shiftTo(now, s.rule).certain(), options)
		now.second++ // has passed since
		assert.True(t, now.shiftTo(now, s.rule).certain(), options)
	}
}
