package engine

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/control"
	"sluice/core/state"
	"sluice/core/stream"
)

// ask opens the state directory of a testbed as somebody else would.
func (b *testbed) view() *state.View {
	b.t.Helper()
	view, err := state.OpenView(b.state)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { _ = view.Close() })
	return view
}

func (b *testbed) status() map[string]control.Stream {
	b.t.Helper()
	conn, err := control.Dial(b.t.Context(), b.view())
	require.NoError(b.t, err)
	head, streams, err := control.Status(conn)
	require.NoError(b.t, err)
	assert.Equal(b.t, os.Getpid(), head.PID)
	found := map[string]control.Stream{}
	for _, s := range streams {
		found[s.Container+"/"+s.Stream] = s
	}
	return found
}

func (b *testbed) rotate(ids ...string) []control.Rotated {
	b.t.Helper()
	conn, err := control.Dial(b.t.Context(), b.view())
	require.NoError(b.t, err)
	_, rotated, err := control.Rotate(conn, ids)
	require.NoError(b.t, err)
	return rotated
}

func TestOwnerTellsWhatItDoes(t *testing.T) {
	b := newTestbed(t, "max_stdout_size", "16KB", "logrotate_stdout_options", "rotate 3")
	e := b.open()
	defer e.Close()
	assert.Empty(t, b.status())
	stdout, stderr := b.prepare(e, "one")
	write(t, stdout, numbered(1000, 100))
	waitFor(func() bool { return b.status()["one/stdout"].InBytes == 100000 })
	found := b.status()
	require.Len(t, found, 2)
	s := found["one/stdout"]
	assert.Equal(t, control.Served, s.State)
	assert.Equal(t, int64(100000), s.WrittenBytes)
	assert.Equal(t, int64(6), s.Rotations)
	assert.Equal(t, int64(4), s.Files)
	assert.NotZero(t, s.LastRotationUnixNano)
	assert.Equal(t, b.sandbox("one"), s.Sandbox)
	assert.Zero(t, found["one/stderr"].InBytes)
	require.NoError(t, stdout.Close())
	require.NoError(t, stderr.Close())
	waitFor(func() bool { return len(b.status()) == 0 })
}

func TestOwnerRotatesWhenAsked(t *testing.T) {
	b := newTestbed(t, "logrotate_stdout_options", "rotate 3", "max_stdout_size", "1MB")
	e := b.open()
	defer e.Close()
	stdout, stderr := b.prepare(e, "one")
	write(t, stdout, []byte("first\nsecond\nbegun"))
	waitFor(func() bool { return b.status()["one/stdout"].InBytes == 18 })
	ids := []string{b.status()["one/stdout"].ID, b.status()["one/stderr"].ID, "none"}
	rotated := b.rotate(ids...)
	assert.Equal(t, []control.Rotated{
		{ID: ids[0], Name: "stdout.1", Bytes: 13},
		{ID: ids[1]}, // nothing in it
		{ID: "none", Error: "no such stream is served"},
	}, rotated)
	text, err := os.ReadFile(filepath.Join(b.sandbox("one"), "stdout"))
	require.NoError(t, err)
	assert.Equal(t, "begun", string(text), "a line is not torn")
	write(t, stdout, []byte(" and ended\n"))
	require.NoError(t, stdout.Close())
	require.NoError(t, stderr.Close())
	waitEnded(e)
	assert.Equal(t, "first\nsecond\nbegun and ended\n", string(b.series("one", "stdout", 1<<20)))
	assert.Equal(t, "no such stream is served", b.rotate(ids[0])[0].Error)
}

// TestOwnerHearsWhoAsksDuringAVisit asks for a rotation at the end of the visit that has made
// the one before, after which nothing comes.
func TestOwnerHearsWhoAsksDuringAVisit(t *testing.T) {
	b := newTestbed(t, "max_stdout_size", "1MB", "stderr", "discard")
	e := b.open()
	defer e.Close()
	var asking atomic.Bool
	asked := make(chan pendingRotation, 1)
	after := func(serviced *entry) {
		if asking.CompareAndSwap(true, false) {
			asked <- e.beginRotation(serviced.id)
		}
	}
	e.hooks.after.Store(&after)
	stdout, stderr := b.prepare(e, "one")
	defer stdout.Close()
	defer stderr.Close()
	write(t, stdout, []byte("line\n"))
	eventually(t, "the stream is idle", func() bool { return e.Metrics().WrittenBytes == 5 && resting(e) })
	id := b.status()["one/stdout"].ID
	asking.Store(true)
	require.Equal(t, []control.Rotated{{ID: id, Name: "stdout.1", Bytes: 5}}, b.rotate(id))
	ctx, cancel := context.WithTimeout(t.Context(), control.Patience)
	defer cancel()
	assert.Equal(t, stream.RotatedNow{}, (<-asked).wait(ctx), "nothing is in it")
}

// TestOwnerFinishesWhatItWasAskedFor asks again where the first rotation has copied the
// beginning of a line and cannot rename: nothing is written before that line, and the
// account is exact, in the next owner's too.
func TestOwnerFinishesWhatItWasAskedFor(t *testing.T) {
	b := newTestbed(t, "logrotate_stdout_options", "rotate 3", "max_stdout_size", "1MB")
	e := b.open()
	stdout, stderr := b.prepare(e, "one")
	write(t, stdout, []byte("first\nsecond\nbegun"))
	waitFor(func() bool { return b.status()["one/stdout"].InBytes == 18 })
	id := b.status()["one/stdout"].ID
	restore := appendOnly(t, b.sandbox("one"))
	for range 2 {
		require.Contains(t, b.rotate(id)[0].Error, "operation not permitted")
	}
	write(t, stdout, []byte(" and ended\n"))
	restore()
	// The stream itself may have tried again before.
	require.Empty(t, b.rotate(id)[0].Error)
	waitFor(func() bool { return b.status()["one/stdout"].InBytes == 29 })
	e.Close()
	e = b.open()
	defer e.Close()
	assert.Equal(t, int64(29), b.status()["one/stdout"].WrittenBytes)
	require.NoError(t, stdout.Close())
	require.NoError(t, stderr.Close())
	waitEnded(e)
	assert.Equal(t, "first\nsecond\nbegun and ended\n", string(b.series("one", "stdout", 1<<20)))
}

// appendOnly lets names be added to a directory and none be changed, until what it
// returns is called.
func appendOnly(t *testing.T, dir string) (restore func()) {
	t.Helper()
	d, err := os.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { _ = d.Close() })
	before, err := unix.IoctlGetUint32(int(d.Fd()), unix.FS_IOC_GETFLAGS)
	require.NoError(t, err)
	set := func(flags uint32) {
		require.NoError(t, unix.IoctlSetPointerInt(int(d.Fd()), unix.FS_IOC_SETFLAGS, int(flags)))
	}
	const appendOnlyFlag = 0x20 // FS_APPEND_FL (linux/fs.h)
	set(before | appendOnlyFlag)
	t.Cleanup(func() { set(before) })
	return func() { set(before) }
}

func TestOwnerSaysWhatCannotBeRotated(t *testing.T) {
	b := newTestbed(t, "debug_containers", "first")
	e := b.open()
	defer e.Close()
	d, err := e.Prepare(Launch{ContainerID: "check", Sandbox: b.sandbox("check"), Debug: true})
	require.NoError(t, err)
	defer d.close()
	assert.Equal(t, "only the first bytes of the stream are kept; it is never rotated",
		b.rotate(b.status()["check/stdout"].ID)[0].Error)
}

func TestOwnerLeavesNoSocket(t *testing.T) {
	b := newTestbed(t)
	e := b.open()
	path := filepath.Join(b.state, "owner.socket")
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	held, err := control.Dial(b.t.Context(), b.view()) // and asks nothing
	require.NoError(t, err)
	defer held.Close()
	e.Close()
	assert.NoFileExists(t, path)
	_, err = control.Dial(b.t.Context(), b.view())
	require.ErrorIs(t, err, control.ErrNoOwner)
	assert.ErrorContains(t, err, b.state)

	// A killed owner leaves it.
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	require.NoError(t, unix.Bind(fd, &unix.SockaddrUnix{Name: path}))
	require.NoError(t, unix.Close(fd))
	_, err = control.Dial(b.t.Context(), b.view())
	require.ErrorIs(t, err, control.ErrNoOwner)
	e = b.open()
	defer e.Close()
	assert.Empty(t, b.status())
}

// TestOwnerIsNotHeldUpByAskers has more connections than are answered at a time, which
// ask nothing and read nothing; the streams go on, and when they go the next is answered.
func TestOwnerIsNotHeldUpByAskers(t *testing.T) {
	b := newTestbed(t)
	e := b.open()
	defer e.Close()
	view := b.view()
	for range 2 * control.MostAnswers {
		conn, err := control.Dial(b.t.Context(), view)
		require.NoError(t, err)
		defer conn.Close()
	}
	stdout, stderr := b.prepare(e, "one")
	write(t, stdout, numbered(1000, 100))
	waitFor(func() bool { return e.Metrics().InBytes() == 100000 })
	require.NoError(t, stdout.Close())
	require.NoError(t, stderr.Close())
	waitEnded(e)
	assert.Empty(t, b.status(), "who asks is answered after those that are too slow")
}

func TestOwnerOfADirectoryWithALongName(t *testing.T) {
	b := newTestbed(t)
	b.state = filepath.Join(b.boxes, strings.Repeat("d", 120))
	b.module.StateDir = b.state
	e := b.open()
	defer e.Close()
	assert.Empty(t, b.status())
}
