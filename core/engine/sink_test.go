package engine

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/settings"
)

// leadsTo is what a descriptor leads to.
func leadsTo(t *testing.T, f *os.File) string {
	t.Helper()
	path, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	require.NoError(t, err)
	return path
}

func (b *testbed) read(id, name string) string {
	b.t.Helper()
	data, err := os.ReadFile(filepath.Join(b.sandbox(id), name))
	require.NoError(b.t, err)
	return string(data)
}

func TestADiscardedStreamCostsNothing(t *testing.T) {
	b := newTestbed(t, "stdout", "discard")
	e := b.open()
	defer e.Close()
	stdout, stderr := b.prepare(e, "c1")
	assert.Equal(t, "/dev/null", leadsTo(t, stdout))
	assert.EqualValues(t, 1, e.Metrics().Streams, "stderr alone is served")
	_, err := stdout.Write(numbered(1000, 100))
	require.NoError(t, err)
	_, err = stderr.WriteString("kept\n")
	require.NoError(t, err)
	stdout.Close()
	stderr.Close()
	waitEnded(e)
	assert.Empty(t, b.read("c1", "stdout"))
	assert.Contains(t, b.read("c1", "stdout.logrotate.conf"), "# parameter stdout: discard.")
	assert.Equal(t, "kept\n", b.read("c1", "stderr"))
	assert.EqualValues(t, 5, e.Metrics().InBytes())
	assert.Empty(t, b.stateNames())
}

func TestBothStreamsDiscarded(t *testing.T) {
	b := newTestbed(t, "debug_containers", "discard")
	e := b.open()
	defer e.Close()
	box := b.sandbox("c1")
	require.NoError(t, os.WriteFile(filepath.Join(box, "stderr"), []byte("fetched\n"), 0o600))
	d, err := e.Prepare(Launch{ContainerID: "c1", Sandbox: box, Debug: true})
	require.NoError(t, err)
	for _, fd := range []int{d.Stdout, d.Stderr} {
		f := os.NewFile(uintptr(fd), "")
		assert.Equal(t, "/dev/null", leadsTo(t, f))
		f.Close()
	}
	assert.Zero(t, e.Metrics().Streams)
	assert.Empty(t, b.read("c1", "stdout"))
	assert.Equal(t, "fetched\n", b.read("c1", "stderr"), "what is there stays")
	assert.Empty(t, b.stateNames())

	stdout, stderr := b.prepare(e, "c2") // no DEBUG container
	assert.NotEqual(t, "/dev/null", leadsTo(t, stdout))
	stdout.Close()
	stderr.Close()
	waitEnded(e)
}

// markPattern is the line behind the first bytes.
var markPattern = regexp.MustCompile(`\n\[sluice\] \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z only the first 65536 bytes are kept, what follows is discarded \(debug_containers=first\)\n$`)

func TestTheFirstBytesOfADebugContainer(t *testing.T) {
	const most = settings.FirstBytes - 4096
	for name, test := range map[string]struct {
		output []byte
		least  int // that is kept
	}{
		"many lines":  {numbered(10000, 100), most},
		"one line":    {bytes.Repeat([]byte("x"), 200000), most},
		"a long line": {[]byte("short\n" + strings.Repeat("x", 200000) + "\n"), len("short\n")},
		"few lines":   {numbered(100, 100), 100 * 100},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTestbed(t, "debug_containers", "first", "max_stdout_rate", "4KB")
			e := b.open()
			defer e.Close()
			d, err := e.Prepare(Launch{ContainerID: "c1", Sandbox: b.sandbox("c1"), Debug: true})
			require.NoError(t, err)
			stdout, stderr := os.NewFile(uintptr(d.Stdout), ""), os.NewFile(uintptr(d.Stderr), "")
			_, err = stdout.Write(test.output)
			require.NoError(t, err)
			stdout.Close()
			stderr.Close()
			waitEnded(e)
			b.checkFirst(t, e, test.output, test.least)
			names, err := filepath.Glob(filepath.Join(b.sandbox("c1"), "stdout*"))
			require.NoError(t, err)
			assert.Len(t, names, 2, "the file and its policy")
		})
	}
}

// checkFirst checks that a series is the beginning of what was written, with a mark
// where it ends, and that the rest was counted.
func (b *testbed) checkFirst(t *testing.T, e *Engine, output []byte, least int) {
	t.Helper()
	kept := []byte(b.read("c1", "stdout"))
	assert.LessOrEqual(t, len(kept), settings.FirstBytes)
	m := e.Metrics()
	assert.EqualValues(t, len(output), m.InBytes())
	if least == len(output) {
		sameBytes(t, output, kept)
		return
	}
	mark := markPattern.FindIndex(kept)
	require.NotNil(t, mark, "%q", kept[max(0, len(kept)-200):])
	beginning := kept[:mark[0]]
	if output[len(beginning)] == '\n' {
		beginning = kept[:mark[0]+1]
	}
	assert.GreaterOrEqual(t, len(beginning), least)
	sameBytes(t, output[:len(beginning)], beginning)
	assert.EqualValues(t, len(beginning), m.WrittenBytes)
	dropped := output[len(beginning):]
	assert.EqualValues(t, len(dropped), m.DroppedBytes)
	assert.Equal(t, newlines(dropped), m.DroppedLines)
	assert.Equal(t, newlines(output), m.InLines())
}

func TestTheFirstBytesEndOnlyOnce(t *testing.T) {
	b := newTestbed(t, "debug_containers", "first")
	e := b.open()
	d, err := e.Prepare(Launch{ContainerID: "c1", Sandbox: b.sandbox("c1"), Debug: true})
	require.NoError(t, err)
	stdout, stderr := os.NewFile(uintptr(d.Stdout), ""), os.NewFile(uintptr(d.Stderr), "")
	output := numbered(2000, 100)
	_, err = stdout.Write(output)
	require.NoError(t, err)
	waitFor(func() bool { return e.Metrics().InBytes() == int64(len(output)) })
	written := e.Metrics().WrittenBytes
	kept := b.read("c1", "stdout")
	e.Close()

	// As after a kill that came between the record and the mark.
	require.NoError(t, os.Truncate(filepath.Join(b.sandbox("c1"), "stdout"), written))
	e = b.open()
	defer e.Close()
	assert.Equal(t, written, e.Metrics().WrittenBytes)
	_, err = stdout.WriteString("short\n")
	require.NoError(t, err)
	stdout.Close()
	stderr.Close()
	waitEnded(e)
	again := b.read("c1", "stdout")
	assert.Len(t, again, len(kept))
	assert.Equal(t, kept[:written], again[:written])
	assert.Regexp(t, markPattern, again)
	assert.Equal(t, written, e.Metrics().WrittenBytes)
	assert.Equal(t, newlines(output[:written]), e.Metrics().WrittenLines, "the mark is no line of the container's")
}
