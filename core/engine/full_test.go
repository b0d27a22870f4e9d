package engine

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/logformat"
	"sluice/core/policyfile"
	"sluice/core/settings"
	"sluice/core/stream"
	"sluice/tests/lossproof"
)

// smallDisk gives the sandboxes of a testbed a file system of their own.
func (b *testbed) smallDisk(size string) {
	b.t.Helper()
	if err := unix.Mount("sluice-test", b.boxes, "tmpfs", 0, "mode=0755,size="+size); err != nil {
		b.t.Skipf("missing privilege: mounting a tmpfs needs CAP_SYS_ADMIN: %v", err)
	}
	b.t.Cleanup(func() { _ = unix.Unmount(b.boxes, unix.MNT_DETACH) })
}

// ballast fills the disk but for freeBytes and gives the function that frees it.
func (b *testbed) ballast(freeBytes int) (free func()) {
	b.t.Helper()
	path := filepath.Join(b.boxes, "ballast")
	f, err := os.Create(path)
	require.NoError(b.t, err)
	defer f.Close()
	waitFor(func() bool { // somebody else may be faster
		var st unix.Statfs_t
		require.NoError(b.t, unix.Statfs(b.boxes, &st))
		wanted := int64(st.Bavail)*st.Bsize - int64(freeBytes)
		return wanted <= 0 || unix.Fallocate(int(f.Fd()), 0, 0, wanted) == nil
	})
	return func() { require.NoError(b.t, os.Remove(path)) }
}

// write writes all of text, in the background of a pipe that may be full.
func write(t *testing.T, f *os.File, text []byte) {
	t.Helper()
	_, err := f.Write(text)
	require.NoError(t, err)
}

// proveGaps compares a series with the input, and the marks with the account.
func (b *testbed) proveGaps(m Metrics, id string, limit int, input []byte) lossproof.Proof {
	b.t.Helper()
	proof, err := lossproof.Check(input, b.series(id, "stdout", limit))
	require.NoError(b.t, err)
	assert.Equal(b.t, m.DroppedBytes, int64(proof.Bytes), "dropped and marked")
	assert.Equal(b.t, m.DroppedLines, int64(proof.Lines), "dropped and marked")
	assert.Equal(b.t, m.MarkBytes, int64(proof.MarkBytes))
	assert.Equal(b.t, m.Marks, int64(len(proof.Marks)))
	assert.Equal(b.t, int64(len(input)), m.InBytes(), "in = written + dropped")
	assert.Equal(b.t, linesKept(proof, input), m.WrittenLines)
	assert.Equal(b.t, newlines(input), m.InLines(), "in = written + dropped")
	return proof
}

func newlines(text []byte) int64 { return int64(bytes.Count(text, []byte("\n"))) }

// linesKept is how many lines were written: those in the log, and those that its policy
// removed.
func linesKept(proof lossproof.Proof, input []byte) int64 {
	return int64(proof.Kept) + newlines(input[:proof.Missing])
}

func TestFullDiskIsDroppedMarkedAndCounted(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines int // length of each
	}{{"short lines", 100}, {"lines of pages", 10_000}, {"a line per page", 4096}} {
		t.Run(tt.name, func(t *testing.T) {
			b := newTestbed(t, "full_wait", "100ms")
			b.smallDisk("4m")
			free := b.ballast(1 << 20)
			e := b.open()
			defer e.Close()
			stdout, stderr := b.prepare(e, "f")
			require.NoError(t, stderr.Close())
			input := numbered((4<<20)/tt.lines, tt.lines)
			write(t, stdout, input)
			waitFor(func() bool { return e.Metrics().InBytes() == int64(len(input)) })
			m := e.Metrics()
			assert.Positive(t, m.DroppedBytes)
			assert.Less(t, m.WrittenBytes, int64(1<<20+1))
			assert.Greater(t, m.WrittenBytes, int64(1<<20-tt.lines-4*4096), "the room is used up")
			assert.Equal(t, stream.Loss{Bytes: m.DroppedBytes, Lines: m.DroppedLines}, m.Dropped[stream.NoSpace])
			assert.EqualValues(t, 1, m.Dropping)

			free()
			waitFor(func() bool { return e.Metrics().Marks == 1 })
			after := []byte("and on\n")
			write(t, stdout, after)
			require.NoError(t, stdout.Close())
			waitEnded(e)
			proof := b.proveGaps(e.Metrics(), "f", 10<<20, append(input, after...))
			require.Len(t, proof.Marks, 1)
			assert.Equal(t, "no space left on device", proof.Marks[0].Reason)
			assert.Empty(t, b.stateNames())
		})
	}
}

// The pipe holds back what comes as long as full_wait lasts; nothing is lost then.
func TestFullDiskIsWaitedFor(t *testing.T) {
	for _, tt := range []struct{ name, parameter, value string }{
		{"full_wait", "full_wait", "1hrs"}, {"block", "on_full", "block"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newTestbed(t, tt.parameter, tt.value)
			b.smallDisk("2m")
			free := b.ballast(256 << 10)
			e := b.open()
			stdout, stderr := b.prepare(e, "w", settings.Variable{Name: "CONTAINER_LOGGER_EVICT_ON_FULL", Value: "false"})
			require.NoError(t, stderr.Close())
			input := numbered(10_000, 100)
			write(t, stdout, input)
			require.NoError(t, stdout.Close())
			waitFor(func() bool { return e.Metrics().Blocked == 1 })
			free()
			waitEnded(e)
			m := e.Metrics()
			b.proveGaps(m, "w", 10<<20, input)
			assert.Zero(t, m.DroppedBytes)
			assert.Positive(t, m.LongestBlocked)
			e.Close()
			said := b.log.String()
			assert.Positive(t, strings.Count(said, "output waits in its pipe"))
			assert.Equal(t, strings.Count(said, "output waits in its pipe"), strings.Count(said, "writing works again"), said)
		})
	}
}

// A stream lives from its own history on a disk that is too small for its policy.
func TestOwnHistoryMakesRoom(t *testing.T) {
	b := newTestbed(t, "max_stdout_size", "64KB", "logrotate_stdout_options", "rotate 1000")
	b.smallDisk("1m")
	e := b.open()
	defer e.Close()
	stdout, stderr := b.prepare(e, "h")
	require.NoError(t, stderr.Close())
	input := numbered(50_000, 100)
	write(t, stdout, input)
	waitFor(func() bool { return e.Metrics().InBytes() == int64(len(input)) })
	waitFor(func() bool { m := e.Metrics(); return m.Files > 0 && m.Files == countFiles(t, b.sandbox("h")) })
	require.NoError(t, stdout.Close())
	waitEnded(e)
	m := e.Metrics()
	log := b.series("h", "stdout", 64<<10)
	proof, err := lossproof.Check(input, log)
	require.NoError(t, err)
	assert.Zero(t, m.DroppedBytes)
	assert.Empty(t, proof.Marks)
	assert.Equal(t, int64(proof.Missing), m.RoomBytes)
	assert.Greater(t, len(log), 800<<10, "the history that has room stays")
}

// countFiles counts the files of stdout's series in a sandbox.
func countFiles(t *testing.T, box string) int64 {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(box, "stdout*"))
	require.NoError(t, err)
	count := int64(0)
	for _, name := range names {
		if base := filepath.Base(name); base != "stdout"+policyfile.Suffix && base != logformat.TimesName("stdout") {
			count++
		}
	}
	return count
}

// The end of a line whose beginning is in the file is dropped too, and the mark says
// that the beginning stands alone.
func TestGapBeginsAndEndsWithinLines(t *testing.T) {
	b := newTestbed(t, "full_wait", "0secs", "evict_on_full", "false", "max_stdout_size", "16KB", "logrotate_stdout_options", "rotate 1000")
	b.smallDisk("1m")
	e := b.open()
	defer e.Close()
	stdout, stderr := b.prepare(e, "l")
	require.NoError(t, stderr.Close())
	var input []byte
	put := func(text string) {
		input = append(input, text...)
		write(t, stdout, []byte(text))
		waitFor(func() bool { return e.Metrics().InBytes() == int64(len(input)) })
	}
	put("first\nbegun, ")
	free := b.ballast(0)
	put(string(numbered(1000, 20)[1:]))
	waitFor(func() bool { return e.Metrics().Dropping == 1 })
	put("dropped, begun again, ")
	free()
	put("still dropped\n")
	waitFor(func() bool { return e.Metrics().Marks == 1 })
	put("back\n")
	free = b.ballast(0)
	put(string(numbered(2000, 21)))
	free()
	require.NoError(t, stdout.Close())
	waitEnded(e)
	proof := b.proveGaps(e.Metrics(), "l", 16<<10, input)
	require.Len(t, proof.Marks, 2)
	assert.True(t, proof.Marks[0].Torn)
}

// The record cannot be written: nothing is dropped, as it could not be counted.
func TestNothingIsDroppedUncounted(t *testing.T) {
	b := newTestbed(t, "full_wait", "0secs")
	b.smallDisk("1m")
	free := b.ballast(0)
	require.NoError(t, os.MkdirAll(b.state, 0o700))
	if err := unix.Mount("sluice-test", b.state, "tmpfs", 0, "mode=0700,size=64k"); err != nil {
		t.Skipf("missing privilege: mounting a tmpfs needs CAP_SYS_ADMIN: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(b.state, unix.MNT_DETACH) })
	e := b.open()
	defer e.Close()
	stdout, stderr := b.prepare(e, "u")
	require.NoError(t, stderr.Close())
	fill := filepath.Join(b.state, "fill")
	require.Error(t, os.WriteFile(fill, make([]byte, 1<<20), 0o600))

	input := numbered(5000, 100)
	write(t, stdout, input)
	waitFor(func() bool { return e.Metrics().Blocked == 1 && e.Metrics().WriteErrors > 2 })
	assert.Zero(t, e.Metrics().InBytes())
	require.NoError(t, os.Remove(fill))
	waitFor(func() bool { return e.Metrics().InBytes() == int64(len(input)) })
	free()
	require.NoError(t, stdout.Close())
	waitEnded(e)
	proof := b.proveGaps(e.Metrics(), "u", 10<<20, input)
	assert.Len(t, proof.Marks, 1)
}

// A disk that is filled and freed again and again.
func TestDiskFillsAndEmpties(t *testing.T) {
	b := newTestbed(t, "full_wait", "10ms", "max_stdout_size", "256KB", "logrotate_stdout_options", "rotate 1000",
		"evict_on_full", "false")
	b.smallDisk("16m")
	e := b.open()
	defer e.Close()
	stdout, stderr := b.prepare(e, "d")
	require.NoError(t, stderr.Close())
	var input []byte
	for round := range 5 {
		free := b.ballast(100_000 * round)
		dropped := e.Metrics().DroppedBytes
		for e.Metrics().DroppedBytes == dropped {
			part := numbered(1000, 61+len(input)%7)
			part = append([]byte(fmt.Sprintf("%d", len(input))), part...)
			input = append(input, part...)
			write(t, stdout, part)
		}
		free()
		waitFor(func() bool { return e.Metrics().Dropping == 0 })
	}
	require.NoError(t, stdout.Close())
	waitEnded(e)
	proof := b.proveGaps(e.Metrics(), "d", 256<<10, input)
	assert.Len(t, proof.Marks, 5)
}
