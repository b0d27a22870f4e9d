package engine

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/state"
	sluicepb "sluice/proto"
)

// endedEnv has a process that serves wait until all streams have ended.
const endedEnv = "SLUICE_TEST_ENDED"

// unattendedMark is the end of a log whose container ended while nobody had the pipe.
var unattendedMark = regexp.MustCompile(`^\[sluice\] \S+Z lost an unknown amount, perhaps nothing, since (\S+Z): ` +
	`its container ended while nobody had the pipe open(; the line before is incomplete)?\n$`)

// requireUnattended says that a log is text and one mark.
func requireUnattended(t *testing.T, text, log []byte) {
	t.Helper()
	rest, found := bytes.CutPrefix(log, text)
	require.True(t, found, "%q", log)
	torn := len(text) > 0 && text[len(text)-1] != '\n'
	if torn {
		rest, found = bytes.CutPrefix(rest, []byte("\n"))
		require.True(t, found, "%q", log)
	}
	groups := unattendedMark.FindSubmatch(rest)
	require.NotNil(t, groups, "%q", rest)
	require.Equal(t, torn, len(groups[2]) > 0)
}

// TestKillAfterEverySystemCallOfAnUnattendedEnd kills the owner that finds such a stream: the
// mark is there once.
func TestKillAfterEverySystemCallOfAnUnattendedEnd(t *testing.T) {
	for _, c := range []struct {
		name, limit string
		text        []byte
	}{
		{"nothing written", "1MB", nil},
		{"at the end of a line", "1MB", numbered(10, 100)},
		{"within a line", "1MB", append(numbered(10, 100), "the beginning, "...)},
		{"with a rotation for the mark", "4KB", numbered(39, 100)},
		{"with a line to carry over", "4KB", append(numbered(39, 100), "the beginning, "...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			killed, points := true, 0
			for at := 1; killed; at++ {
				killed = killUnattendedOnce(t, c.limit, c.text, at)
				points = at
			}
			require.Greater(t, points, 10)
			t.Logf("killed at %d points", points-1)
		})
	}
}

func killUnattendedOnce(t *testing.T, limit string, text []byte, at int) (killed bool) {
	t.Helper()
	b := newTestbed(t, "max_stdout_size", limit, "logrotate_stdout_options", "rotate 100")
	b.sandbox("k")
	e := b.open()
	stdout, stderr := b.prepare(e, "k")
	require.NoError(t, stderr.Close())
	write(t, stdout, text)
	waitFor(func() bool { return e.Metrics().InBytes() == int64(len(text)) && e.Metrics().Streams == 1 })
	e.Close()
	write(t, stdout, []byte("the last words\n"))
	require.NoError(t, stdout.Close())

	environment := []string{serveEnv + "=" + b.state, sandboxEnv + "=" + b.sandbox("k"), bytesEnv + "=0", endedEnv + "="}
	_, killed = owners{}.step(t, environment, filepath.Dir(b.boxes), at)
	e = b.open()
	waitEnded(e)
	e.Close()
	most := 1 << 20
	if limit == "4KB" {
		most = 4 << 10
	}
	requireUnattended(t, text, b.series("k", "stdout", most))
	require.Empty(t, b.stateNames())
	return killed
}

// unattended is a container that ended while nobody had its pipes, having written text that
// was read, and words that were not.
func (b *testbed) unattended(text string) {
	b.t.Helper()
	stdout, stderr := b.abandoned("c")
	e := b.open()
	write(b.t, stdout, []byte(text))
	waitFor(func() bool { return e.Metrics().InBytes() == int64(len(text)) })
	e.Close()
	write(b.t, stdout, []byte("the last words\n"))
	require.NoError(b.t, stdout.Close())
	require.NoError(b.t, stderr.Close())
}

func TestAnUnattendedEndIsTold(t *testing.T) {
	b := newTestbed(t)
	b.unattended("read\n")
	e := b.open()
	waitEnded(e)
	m := e.Metrics()
	e.Close()
	requireUnattended(t, []byte("read\n"), b.series("c", "stdout", 10<<20))
	requireUnattended(t, nil, b.series("c", "stderr", 10<<20))
	assert.EqualValues(t, 2, m.Unattended)
	assert.EqualValues(t, 2, m.Marks)
	assert.EqualValues(t, 5, m.InBytes())
	assert.Zero(t, m.DroppedBytes)
	assert.Equal(t, 1, strings.Count(b.log.String(), "containers ended while nobody had their pipes open"), b.log.String())
	assert.Contains(t, b.log.String(), "streams=2")
	assert.Empty(t, b.stateNames())
}

// What somebody can know to be whole has no mark.
func TestAnEndThatSomebodyHasSeenIsNotTold(t *testing.T) {
	for _, c := range []struct {
		name string
		// before is called when the container lives and has no owner, after when it has ended.
		before, after func(*testbed)
		want          string
	}{
		{"a pipe that somebody held", func(b *testbed) {
			pipes, err := filepath.Glob(filepath.Join(b.state, "*.fifo"))
			require.NoError(b.t, err)
			for _, path := range pipes {
				fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
				require.NoError(b.t, err)
				b.t.Cleanup(func() { _ = unix.Close(fd) })
			}
		}, nil, "the last words\n"},
		{"a record that says so", nil, func(b *testbed) {
			for _, name := range []string{"stdout", "stderr"} {
				b.rewrite(name, func(r *sluicepb.StreamRecord) { r.Complete = true })
			}
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newTestbed(t)
			stdout, stderr := b.abandoned("c")
			if c.before != nil {
				c.before(b)
			}
			write(t, stdout, []byte("the last words\n"))
			require.NoError(t, stdout.Close())
			if c.after != nil {
				require.NoError(t, stderr.Close())
				c.after(b)
			}
			e := b.open()
			if c.after == nil { // it lived when the owner came, without a word
				require.NoError(t, stderr.Close())
			}
			waitEnded(e)
			m := e.Metrics()
			e.Close()
			assert.Equal(t, c.want, string(b.series("c", "stdout", 10<<20)))
			assert.Empty(t, b.series("c", "stderr", 10<<20))
			assert.Zero(t, m.Unattended)
			assert.NotContains(t, b.log.String(), "while nobody had their pipes open")
		})
	}
}

// A keeper that has handed its streams over had the pipes.
func TestWhatAKeeperHadIsNotTold(t *testing.T) {
	b := newTestbed(t)
	b.unattended("read\n")
	dir, err := state.Open(b.state)
	require.NoError(t, err)
	e, err := Serve(dir, b.module, b.logger(), func(string) bool { return true })
	require.NoError(t, err)
	waitEnded(e)
	e.Close()
	assert.Equal(t, "read\n", string(b.series("c", "stdout", 10<<20)))
}

// The disk was full when the owner died, and the container ended then: one mark tells of what
// was counted, and one of what was not.
func TestAnUnattendedEndWithinAGap(t *testing.T) {
	b := newTestbed(t)
	b.unattended("read\n")
	since := int64(0)
	b.rewrite("stdout", func(r *sluicepb.StreamRecord) {
		since = r.GetCreatedUnixNano()
		a := r.GetAccounting()
		a.Gap = &sluicepb.Gap{SinceUnixNano: since, Cause: sluicepb.Cause_NO_SPACE, ErrorNumber: int32(unix.ENOSPC), Bytes: 100, Lines: 2}
		a.Losses = []*sluicepb.Loss{{Cause: sluicepb.Cause_NO_SPACE, Bytes: 100, Lines: 2}}
		a.DroppedBytes, a.DroppedLines = 100, 2
	})
	e := b.open()
	waitEnded(e)
	m := e.Metrics()
	e.Close()
	lines := strings.SplitAfter(string(b.series("c", "stdout", 10<<20)), "\n")
	require.Len(t, lines, 4, "%q", lines)
	assert.Regexp(t, `^\[sluice\] \S+ lost 100 bytes in 2 lines since \S+: no space left on device\n$`, lines[1])
	assert.Regexp(t, unattendedMark, lines[2])
	assert.EqualValues(t, 100, m.DroppedBytes)
	assert.EqualValues(t, 3, m.Marks)
}

// The task's own doing with its sandbox keeps no stream from ending.
func TestAnUnattendedEndWithoutItsSandbox(t *testing.T) {
	b := newTestbed(t)
	b.unattended("read\n")
	require.NoError(t, os.RemoveAll(b.sandbox("c")))
	e := b.open()
	waitEnded(e)
	assert.EqualValues(t, 2, e.Metrics().Unattended)
	e.Close()
	assert.Empty(t, b.stateNames())
}

// The times of the log's file are the task's to set; the mark does not tell of the future.
func TestTheTimeOfAnUnattendedEnd(t *testing.T) {
	b := newTestbed(t)
	b.unattended("read\n")
	require.NoError(t, unix.UtimesNanoAt(unix.AT_FDCWD, filepath.Join(b.sandbox("c"), "stdout"),
		[]unix.Timespec{{Sec: 1 << 34}, {Sec: 1 << 34}}, 0))
	e := b.open()
	waitEnded(e)
	e.Close()
	groups := unattendedMark.FindSubmatch(b.series("c", "stdout", 10<<20)[len("read\n"):])
	require.NotNil(t, groups)
	year, err := strconv.Atoi(string(groups[1][:4]))
	require.NoError(t, err)
	assert.Less(t, year, 2400)
}
