package engine

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/pump"
	"sluice/core/settings"
	"sluice/core/shortage"
	"sluice/tests/lossproof"
)

// faultsEnv makes the process that is followed one that tries again soon.
const faultsEnv = "SLUICE_TEST_FAULTS"

// matrixEnv runs the whole matrix; else each call meets some of the errors.
const matrixEnv = "SLUICE_FAULT_MATRIX"

// faultErrors are what a call meets; 0 is a short result.
var faultErrors = []unix.Errno{
	unix.ENOSPC, unix.EDQUOT, unix.EIO, unix.EINTR, unix.EMFILE, unix.EACCES, 0, unix.ENFILE, unix.ENOMEM, unix.EAGAIN,
}

// noFault says that an error is how a call tells something else: an empty pipe.
func noFault(call string, errno unix.Errno) bool {
	return errno == unix.EAGAIN && (call == "splice" || call == "tee")
}

// faultPaths are the calls on each path: of the file, of a rotation, of a compression,
// and of the record and the spill while output is dropped.
var faultPaths = []struct {
	path, options string
	lineBytes     int  // where it matters
	dropping      bool // the log cannot be written meanwhile
	state         bool // the call is on the state directory
	calls         []string
}{
	{path: "write", calls: []string{"splice", "fstat"}},
	{path: "look", state: true, calls: []string{"tee"}},
	{path: "rotate", calls: []string{"renameat2", "fstatat", "openat", "pread", "fchmod"}},
	{path: "carry", lineBytes: 1500, calls: []string{"write", "ftruncate", "renameat2"}},
	{path: "compress", options: "\ncompress", calls: []string{"read", "write", "openat", "renameat2", "unlinkat", "fchmod", "utimensat"}},
	{path: "mark", dropping: true, calls: []string{"fallocate", "pwrite", "pread", "fstat"}},
	{path: "record", state: true, calls: []string{"openat", "write", "renameat"}},
	{path: "spill", dropping: true, state: true, calls: []string{
		"openat", "splice", "fallocate", "pread", "ftruncate", "write", "renameat",
	}},
}

// countless calls have no short result. (A mark reads one byte.)
func countless(name string) bool {
	for _, c := range callNumbers {
		if c.name == name {
			return c.count < 0
		}
	}
	return true
}

// TestFaultMatrix makes every system call on the way of a log fail in every way, while
// a container writes and another one elsewhere does too. The other does not notice,
// and the log is what its container wrote but for exactly what is marked and counted.
func TestFaultMatrix(t *testing.T) {
	_, whole := os.LookupEnv(matrixEnv)
	n := 0
	for _, p := range faultPaths {
		for i, call := range p.calls {
			for j, errno := range faultErrors {
				if errno == 0 && (countless(call) || p.path == "mark" && call == "pread") || noFault(call, errno) {
					continue
				}
				// A diagonal, so that each call meets three errors and each error many calls.
				if n++; !whole && (i+j)%3 != 0 {
					continue
				}
				name := "short result"
				if errno != 0 {
					name = unix.ErrnoName(errno)
				}
				t.Run(fmt.Sprintf("%s/%s/%s", p.path, call, name), func(t *testing.T) {
					t.Parallel()
					m := &matrix{t: t, options: p.options, lineBytes: cmp.Or(p.lineBytes, 97), fault: fault{call: call, errno: errno}}
					m.run(p.dropping, p.state)
				})
			}
		}
	}
}

// matrix is one cell.
type matrix struct {
	t         *testing.T
	options   string
	lineBytes int
	fault     fault
}

const matrixBytes = 40_000

func (m *matrix) run(dropping, state bool) {
	t := m.t
	b := newTestbed(t, "max_stdout_size", "4KB", "full_wait", "20ms", "logrotate_stdout_options", "rotate 1000")
	box := b.sandbox("faulty")
	e := b.open()
	faulty, stderr := b.prepare(e, "faulty", settings.Variable{Name: "CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS", Value: "rotate 1000" + m.options},
		settings.Variable{Name: "CONTAINER_LOGGER_EVICT_ON_FULL", Value: "false"})
	require.NoError(t, stderr.Close())
	other, stderr := b.prepare(e, "other")
	require.NoError(t, stderr.Close())
	waitFor(func() bool { return e.Metrics().Streams == 2 })
	e.Close()

	f := &faults{failing: map[int]unix.Errno{}}
	m.fault.beneath, m.fault.name = box, "" // all of the sandbox
	if state {
		m.fault.beneath, m.fault.name = b.state, "cfaulty.stdout."
	}
	f.all = []fault{m.fault}
	if dropping {
		f.all = append(f.all, fault{call: "splice", errno: unix.ENOSPC, beneath: filepath.Join(box, stdoutName)})
	}
	input := numbered(matrixBytes/m.lineBytes, m.lineBytes)
	inputs := map[*os.File][]byte{faulty: input, other: numbered(matrixBytes/95, 95)}
	total := len(inputs[faulty]) + len(inputs[other])
	go m.load(f, b, inputs, faulty, other)
	(&stepping{t: t, within: "/nowhere", faults: f}).run([]string{
		serveEnv + "=" + b.state, sandboxEnv + "=" + box, bytesEnv + "=" + strconv.Itoa(total), faultsEnv + "=1",
	})

	e = b.open()
	require.NoError(t, faulty.Close())
	require.NoError(t, other.Close())
	waitEnded(e)
	metrics := e.Metrics()
	e.Close()
	assert.Positive(t, f.injected[0].Load(), "the call was never made")
	sameBytes(t, inputs[other], b.series("other", "stdout", 4<<10))
	proof, err := lossproof.Check(input, killedSeries(t, box))
	require.NoError(t, err)
	assert.Equal(t, int64(proof.Bytes), metrics.DroppedBytes)
	if shortage.Is(m.fault.errno) && !dropping {
		assert.Zero(t, metrics.DroppedBytes, "nothing is dropped because the host runs short")
	}
	assert.Equal(t, int64(proof.Lines), metrics.DroppedLines)
	assert.Equal(t, int64(len(proof.Marks)), metrics.Marks)
	assert.Equal(t, int64(total), metrics.InBytes(), "in = written + dropped")
	assert.True(t, metrics.LinesKnown)
	assert.Equal(t, linesKept(proof, input)+newlines(inputs[other]), metrics.WrittenLines)
	assert.Equal(t, newlines(input)+newlines(inputs[other]), metrics.InLines(), "in = written + dropped")
	if !assert.Zero(t, proof.Missing) {
		out, _ := exec.Command("ls", "-la", box).CombinedOutput()
		t.Log(string(out))
	}
	assert.Empty(t, b.stateNames())
}

// load writes to both pipes. The fault is there from when both streams are served until
// all of the other's is in its files.
func (m *matrix) load(f *faults, b *testbed, inputs map[*os.File][]byte, faulty, other *os.File) {
	// The file then ends near its limit, within a line where lines are long.
	const first = 3500
	pieces := func(out *os.File, from, to int) {
		for at := from; at < to; at += 331 {
			_, err := out.Write(inputs[out][at:min(at+331, to)])
			assert.NoError(m.t, err)
			time.Sleep(time.Millisecond)
		}
	}
	kept := func(id string) (bytes int64) {
		files, _ := filepath.Glob(filepath.Join(b.boxes, id, "stdout*"))
		for _, file := range files {
			if info, err := os.Stat(file); err == nil && filepath.Ext(file) != ".conf" && filepath.Ext(file) != ".times" {
				bytes += info.Size()
			}
		}
		return bytes
	}
	pieces(faulty, 0, first)
	waitFor(func() bool { return kept("faulty") == first })
	f.active.Store(true)
	done := make(chan struct{})
	go func() {
		defer close(done)
		pieces(faulty, first, len(inputs[faulty])/2)
	}()
	pieces(other, 0, len(inputs[other]))
	waitFor(func() bool { return kept("other") == int64(len(inputs[other])) })
	<-done
	if strings.Contains(m.options, "compress") {
		// Threads of low priority have it when the machine has time for them.
		waitFor(func() bool { return f.injected[0].Load() > 0 })
	}
	// Some calls are rare: the fault stays until one was met. However slow the machine is, what
	// was written is taken out of the pipe first.
	for at := len(inputs[faulty]) / 2; at < len(inputs[faulty]); at += 331 {
		f.active.Store(f.injected[0].Load() == 0)
		pieces(faulty, at, min(at+331, len(inputs[faulty])))
		waitFor(func() bool { return f.injected[0].Load() > 0 || pump.Buffered(int(faulty.Fd())) == 0 })
	}
	f.active.Store(false)
}
