package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/series/logtest"
)

// timed are the two streams of a container, by a clock that the test sets.
type timed struct {
	dir            string
	stdout, stderr *logtest.Stream
}

// newTimed begins both at noon of a day, UTC.
func newTimed(t *testing.T, options string) *timed {
	t.Helper()
	t.Setenv("TZ", "UTC")
	dir := openDir(t)
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	c := &timed{dir: dir}
	for live, of := range map[string]**logtest.Stream{stdoutName: &c.stdout, stderrName: &c.stderr} {
		*of = logtest.NewStream(t, dir, live, options, "4KB", noon)
		require.NoError(t, os.WriteFile(filepath.Join(dir, live+".logrotate.conf"), []byte(shownConf(options)), 0o644))
	}
	return c
}

// at has one of them write a text, so many milliseconds after the beginning.
func (c *timed) at(ms int, of *logtest.Stream, text string) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	of.Now = noon.Add(time.Duration(ms) * time.Millisecond)
	of.Write(text)
}

func (c *timed) end() {
	c.stdout.End()
	c.stderr.End()
}

func TestLogsWithTimestamps(t *testing.T) {
	c := newTimed(t, "rotate 9")
	c.at(0, c.stdout, "first\nsec")
	c.at(1500, c.stdout, "ond\nthird\n")
	c.at(3000, c.stdout, strings.Repeat("x", 5000)+"\n") // goes through two files
	c.at(4200, c.stdout, "no end")
	c.at(2000, c.stderr, "error\n")
	c.end()
	long := strings.Repeat("x", 5000)
	for _, o := range []struct{ args, want string }{
		{"-t", "2026-11-22T12:00:00.000Z first\n2026-11-22T12:00:00.000Z second\n2026-11-22T12:00:01.500Z third\n" +
			"2026-11-22T12:00:03.000Z " + long + "\n2026-11-22T12:00:04.200Z no end"},
		{"--utc -n 1", "2026-11-22T12:00:04.200Z no end"},
		{"--epoch -n1", "1795348804.200 no end"},
		{"--timestamps --stderr", "2026-11-22T12:00:02.000Z error\n"},
		{"-t --since=2026-11-22T12:00:01.5Z --until=2026-11-22T12:00:02Z", "2026-11-22T12:00:01.500Z third\n"},
		{"--since=2026-11-22T12:00:00.001Z --until=2026-11-22T12:00:02Z", "third\n"},
		{"--since=2026-11-22T12:00:03.001Z", "no end"},
		{"--until=2026-11-22T11:59:59Z", ""},
		{"--since=1795348804.2 --until=1795348804.2", "no end"},
		{"-t --all -n2", "stdout 2026-11-22T12:00:03.000Z " + long + "\nstdout 2026-11-22T12:00:04.200Z no end\n"},
		{"--all --epoch --until=2026-11-22T12:00:02Z", "stdout 1795348800.000 first\nstdout 1795348800.000 second\nstdout 1795348801.500 third\nstderr 1795348802.000 error\n"},
	} {
		want := o.want
		if o.args == "-t --all -n2" {
			want = "stderr 2026-11-22T12:00:02.000Z error\n" + want
		}
		status, out, errOut := sluice(append([]string{"logs", "--state_dir=" + t.TempDir(), c.dir}, strings.Fields(o.args)...)...)
		assert.Equal(t, want, out, o.args)
		assert.Empty(t, errOut, o.args)
		assert.Zero(t, status, o.args)
	}
}

// Lines that came while nobody could say when have the latest time that they can have.
func TestLogsTellWhatIsTheLatest(t *testing.T) {
	c := newTimed(t, "rotate 9\ncompress")
	old := time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	require.NoError(t, os.WriteFile(filepath.Join(c.dir, "stdout.4"), []byte("from before\n"), 0o644))
	c.at(1000, c.stdout, "known\n")
	c.end()
	require.NoError(t, os.Chtimes(filepath.Join(c.dir, "stdout.4"), old, old))
	status, out, errOut := sluice("logs", "--state_dir="+t.TempDir(), "-t", c.dir)
	assert.Equal(t, "<2026-11-22T09:30:00.000Z from before\n2026-11-22T12:00:01.000Z known\n", out)
	assert.Equal(t, "sluice: stdout: stdout.4 is not in the time index as it is: when its lines were written is not known, but for the time at which the "+
		"file was written last; nor is it of other such files, which are not named\n", errOut)
	assert.Zero(t, status)

	require.NoError(t, os.WriteFile(filepath.Join(c.dir, "stdout.times"), []byte("garbled"), 0o644))
	status, out, errOut = sluice("logs", "--state_dir="+t.TempDir(), "--utc", c.dir)
	assert.Equal(t, "<2026-11-22T09:30:00.000Z from before\n<2026-11-22T12:00:01.000Z known\n", out)
	assert.Equal(t, "sluice: stdout: stdout.times cannot be read: no page of a time index: when a line was written is not known, "+
		"but for the time at which its file was written last\n", errOut)
	assert.Zero(t, status)
}

// --all is in the order in which the lines were written, over the rotations of both streams.
func TestLogsMergesByTime(t *testing.T) {
	for _, options := range []string{"rotate 50", "rotate 50\ncompress", "rotate 50\ndateext\ndateformat -%Y%m%d%H%M%S"} {
		t.Run(options, func(t *testing.T) {
			c := newTimed(t, options)
			var want strings.Builder
			for i := range 400 {
				live, of := stdoutName, c.stdout
				if i%3 == 1 {
					live, of = stderrName, c.stderr
				}
				line := fmt.Sprintf("line %d %s\n", i, strings.Repeat("x", i%100))
				c.at(i*100, of, line)
				want.WriteString(live + " " + line)
				if i%100 == 0 {
					c.stdout.Compress()
				}
			}
			c.end()
			status, out, errOut := sluice("logs", "--state_dir="+t.TempDir(), "--all", c.dir)
			assert.Equal(t, want.String(), out)
			assert.Empty(t, errOut)
			assert.Zero(t, status)
		})
	}
}

// Within the resolution stdout is first, and a stream without an index comes behind it.
func TestLogsMergesWhatHasNoOrder(t *testing.T) {
	c := newTimed(t, "rotate 9")
	c.at(10, c.stderr, "b\n")
	c.at(90, c.stdout, "a\n")
	c.at(110, c.stderr, "d\n")
	c.at(230, c.stdout, "e")
	c.at(310, c.stderr, "f\n")
	c.end()
	_, out, errOut := sluice("logs", "--state_dir="+t.TempDir(), "--all", c.dir)
	assert.Equal(t, "stdout a\nstderr b\nstderr d\nstdout e\nstderr f\n", out)
	assert.Empty(t, errOut)
	require.NoError(t, os.Remove(filepath.Join(c.dir, "stderr.times")))
	status, out, errOut := sluice("logs", "--state_dir="+t.TempDir(), "--all", c.dir)
	assert.Equal(t, "stdout a\nstdout e\nstderr b\nstderr d\nstderr f\n", out)
	assert.Equal(t, "sluice: which line of one stream was written before which of the other is not known: all of stdout comes first\n", errOut)
	assert.Zero(t, status)
}

// Followed lines have the times at which they came, across rotations.
func TestLogsFollowsWithTimestamps(t *testing.T) {
	c := newTimed(t, "rotate 50\ncompress")
	c.stdout.Now = time.Now()
	cmd := process("logs", "--follow", "--epoch", "--all", "--state_dir="+t.TempDir(), c.dir)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	stamped := regexp.MustCompile(`^stdout <?\d+\.\d{3} (line \d+ x+)\n$`)
	var got, want []string
	for i := range 300 {
		c.stdout.Now = time.Now()
		text := fmt.Sprintf("line %d %s", i, strings.Repeat("x", 100))
		want = append(want, text)
		c.stdout.Write(text + "\n")
	}
	c.stdout.Compress()
	text := make([]byte, 0, 1<<16)
	for len(got) < len(want) {
		chunk := make([]byte, 4096)
		n, err := out.Read(chunk)
		require.NoError(t, err)
		text = append(text, chunk[:n]...)
		for {
			end := bytes.IndexByte(text, '\n') + 1
			if end == 0 {
				break
			}
			found := stamped.FindSubmatch(text[:end])
			require.NotNil(t, found, "%s", text[:end])
			got = append(got, string(found[1]))
			text = slices.Clone(text[end:])
		}
	}
	assert.Equal(t, want, got)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait()
	assert.NotContains(t, errOut.String(), "not in the time index")
}
