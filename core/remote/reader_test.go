package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/agent"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/series"
	"sluice/core/series/logtest"
)

// policies are shown in the sandbox, or can be told from the names.
var policies = []string{
	"rotate 300", "rotate 300\ncompress", "rotate 300\ncompress\ndelaycompress", "rotate 300\ncompress\ncompresscmd zstd",
	"rotate 300\nstart 0", "rotate 300\ndateext", "rotate 300\ndateext\ncompress",
	"rotate 300\ndateext\ndateformat .%d-%m-%Y-%s", "rotate 300\naddextension .log", "rotate 300\nolddir old\ncreateolddir\ncompress",
}

// remoteLog is a log on a machine with an agent.
type remoteLog struct {
	*logtest.Logger
	*server
	agent   *Agent
	notices []string
}

func newLog(t *testing.T, options string, limit int) *remoteLog {
	l := logtest.New(t, options, limit)
	require.NoError(t, os.WriteFile(filepath.Join(l.Dir, "stdout.logrotate.conf"), []byte("\"/stdout\" {\n"+options+"\n}\n"), 0o644))
	s := &server{attached: map[string]string{"/sandbox": l.Dir}}
	return &remoteLog{Logger: l, server: s, agent: serve(t, s)}
}

func (l *remoteLog) open(t *testing.T) *Reader {
	t.Helper()
	s, err := l.agent.Open(t.Context(), "/sandbox", "stdout")
	require.NoError(t, err)
	r, err := s.Read(t.Context())
	require.NoError(t, err)
	r.idle = 5 * time.Millisecond
	r.Notice = func(message string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.notices = append(l.notices, message)
	}
	return r
}

func TestReadsWhatWasWrittenWhateverThePolicy(t *testing.T) {
	for _, options := range policies {
		t.Run(options, func(t *testing.T) {
			l := newLog(t, options, 4096)
			l.Lines(1, 1000)
			l.Compress()
			l.Lines(1001, 1500)
			for _, lines := range []int{-1, 0, 1, 100, 256, 257, 600, 1499, 9999} {
				var out bytes.Buffer
				r := l.open(t)
				from := 1
				if lines >= 0 {
					require.NoError(t, r.Last(t.Context(), int64(lines)))
					from = max(1, 1501-lines)
				}
				require.NoError(t, r.Copy(t.Context(), &out))
				assert.Equal(t, logtest.Numbered(from, 1500), out.String(), "%d lines", lines)
			}
			assert.Empty(t, l.notices)
		})
	}
}

// Every few calls a rotation comes in between, at any of them.
func TestFollowsWhileItIsRotated(t *testing.T) {
	for _, options := range policies {
		for _, every := range []int{3, 7, 16} {
			t.Run(fmt.Sprintf("%s, each %d calls", options, every), func(t *testing.T) {
				t.Parallel()
				l := newLog(t, options, 4096)
				l.Lines(1, 300)
				const last = 6000
				calls, line := 0, 301
				var done atomic.Bool
				l.before = func(call *agent.Call) {
					if calls++; calls%every != 0 || line > last {
						return
					}
					// One to four files.
					l.Lines(line, min(last, line+199+300*(calls%3)))
					line += 200 + 300*(calls%3)
					if calls%2 == 0 {
						l.Compress()
					}
					done.Store(line > last)
				}
				var out bytes.Buffer
				r := l.open(t)
				require.NoError(t, r.Follow(t.Context(), &out, func(context.Context) (bool, error) {
					return done.Load(), nil
				}))
				assert.Empty(t, l.notices)
				at := 0
				for want := logtest.Numbered(1, last); at < len(want); at++ {
					if at == out.Len() || want[at] != out.Bytes()[at] {
						require.Fail(t, "not what was written", "differs at byte %d of %d, there are %d", at, len(want), out.Len())
					}
				}
				require.Equal(t, at, out.Len())
			})
		}
	}
}

// What was given out of a line's beginning is not given out again with the next file.
func TestFollowsBeginningsOfLines(t *testing.T) {
	l := newLog(t, "rotate 300", 4096)
	l.Lines(1, 255)
	l.Write("beg")
	calls := 0
	var done atomic.Bool
	l.before = func(*agent.Call) {
		if calls++; calls == 12 {
			l.Write("inning, and an end that is too long for the file\n")
			l.Lines(256, 300)
			done.Store(true)
		}
	}
	var out bytes.Buffer
	require.NoError(t, l.open(t).Follow(t.Context(), &out, func(context.Context) (bool, error) { return done.Load(), nil }))
	assert.Equal(t, l.Written.String(), out.String())
}

func TestSinceLeavesOutOlderFiles(t *testing.T) {
	l := newLog(t, "rotate 9", 4096)
	l.Lines(1, 800)
	then := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for i, name := range []string{"stdout.3", "stdout.2", "stdout.1", "stdout"} {
		at := then.Add(time.Duration(i) * time.Hour)
		require.NoError(t, os.Chtimes(filepath.Join(l.Dir, name), at, at))
	}
	for _, c := range []struct {
		since time.Duration
		from  int
	}{{-time.Hour, 1}, {0, 1}, {time.Minute, 257}, {2 * time.Hour, 513}, {3 * time.Hour, 769}, {4 * time.Hour, 801}} {
		var out bytes.Buffer
		r := l.open(t)
		require.NoError(t, r.Since(t.Context(), then.Add(c.since)))
		require.NoError(t, r.Copy(t.Context(), &out))
		assert.Equal(t, logtest.Numbered(c.from, 800), out.String(), c.since)
	}
}

// What the retention took between two looks is said.
func TestWhatIsGoneIsSaid(t *testing.T) {
	l := newLog(t, "rotate 2", 4096)
	l.Lines(1, 300)
	calls := 0
	var done atomic.Bool
	l.before = func(*agent.Call) {
		if calls++; calls == 12 {
			l.Lines(301, 3000)
			done.Store(true)
		}
	}
	var out bytes.Buffer
	err := l.open(t).Follow(t.Context(), &out, func(context.Context) (bool, error) { return done.Load(), nil })
	require.ErrorIs(t, err, series.ErrIncomplete)
	require.Len(t, l.notices, 1)
	assert.Contains(t, l.notices[0], "was removed before it could be read")
	assert.True(t, bytes.HasPrefix(out.Bytes(), []byte(logtest.Numbered(1, 300))))
	assert.True(t, bytes.HasSuffix(out.Bytes(), []byte(logtest.Numbered(2600, 3000))))
}

func TestDamagedFileIsSaidAndTheRestRead(t *testing.T) {
	l := newLog(t, "rotate 9\ncompress", 4096)
	l.Lines(1, 800)
	l.Compress()
	require.NoError(t, os.WriteFile(filepath.Join(l.Dir, "stdout.2.gz"), []byte("junk"), 0o644))
	var out bytes.Buffer
	require.ErrorIs(t, l.open(t).Copy(t.Context(), &out), series.ErrIncomplete)
	assert.Equal(t, logtest.Numbered(1, 256)+logtest.Numbered(513, 800), out.String())
	require.Len(t, l.notices, 1)
	assert.Contains(t, l.notices[0], "stdout.2.gz cannot be read beyond its byte 0: ")
}

// While the live file is empty nothing in it tells one moment from another: a rotation at any
// call must not hide the file that is known.
func TestRotationBehindAnEmptyLiveFile(t *testing.T) {
	for when := range 12 {
		l := newLog(t, "rotate 9", 4096)
		first, second := logtest.Numbered(1, 64), logtest.Numbered(65, 128)
		put := func(name, text string) {
			assert.NoError(t, os.WriteFile(filepath.Join(l.Dir, name), []byte(text), 0o644))
		}
		put("stdout", "")
		put("stdout.1", first)
		r := l.open(t)
		calls := 0
		l.before = func(*agent.Call) {
			if calls++; calls == when+1 {
				assert.NoError(t, os.Rename(filepath.Join(l.Dir, "stdout.1"), filepath.Join(l.Dir, "stdout.2")))
				put("stdout.1", second)
			}
		}
		var out bytes.Buffer
		require.NoError(t, r.Follow(t.Context(), &out, func(context.Context) (bool, error) { return calls > when+3, nil }))
		assert.Equal(t, first+second, out.String(), "a rotation at call %d", when+1)
		assert.Empty(t, l.notices)
	}
}

// An agent says that a file went away between its look and its open in words only.
func TestFileThatGoesWhileTheAgentOpensIt(t *testing.T) {
	l := newLog(t, "rotate 9\ncompress", 4096)
	l.Lines(1, 800)
	failed := false
	l.fail = func(call *agent.Call) error {
		if failed || call.Type != agent.Call_READ_FILE || filepath.Base(call.ReadFile.Path) != "stdout.2" {
			return nil
		}
		failed = true
		l.Compress()
		return errors.New("Failed to open file at '/box/stdout.2': No such file or directory.\n")
	}
	var out bytes.Buffer
	require.NoError(t, l.open(t).Copy(t.Context(), &out))
	require.True(t, failed)
	assert.Equal(t, logtest.Numbered(1, 800), out.String())
}

// An agent that has been restarted answers that it recovers, for a while: it is asked again, and
// nothing is missing.
func TestFollowsOverARestartOfTheAgent(t *testing.T) {
	l := newLog(t, "rotate 300", 4096)
	l.Lines(1, 300)
	calls := 0
	l.fail = func(*agent.Call) error {
		if calls++; calls > 12 && calls < 20 {
			return errRestarting
		}
		if calls == 20 {
			l.Lines(301, 2000)
		}
		return nil
	}
	r := l.open(t)
	var out bytes.Buffer
	require.NoError(t, r.Follow(t.Context(), &out, func(context.Context) (bool, error) { return calls > 30, nil }))
	assert.Equal(t, l.Written.String(), out.String())
	require.Len(t, l.notices, 1)
	assert.Contains(t, l.notices[0], "the agent has not recovered its containers yet")
	assert.Contains(t, l.notices[0], "it is asked again")

	calls = 12
	_, _, err := l.agent.Find(t.Context(), "web")
	assert.ErrorIs(t, err, errRestarting, "who does not follow is told")
}
