package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/control"
	"sluice/core/settings"
)

// trouble is what is in the way of a stream when an owner starts.
type trouble struct {
	name   string
	policy string
	begin  func(b *testbed, box string) (end func())
}

// troubles are of the kinds that pass.
func troubles(t *testing.T) []trouble {
	return []trouble{
		{"a directory in the place of a carried line", "rotate 3", func(_ *testbed, box string) func() {
			require.NoError(t, os.MkdirAll(filepath.Join(box, ".stdout.sluice-carry-0-4096", "x"), 0o755))
			return func() {}
		}},
		{"olddir removed", "rotate 3\nolddir old", func(_ *testbed, box string) func() {
			require.NoError(t, os.RemoveAll(filepath.Join(box, "old")))
			return func() {}
		}},
		{"olddir a file", "rotate 3\nolddir old", func(_ *testbed, box string) func() {
			require.NoError(t, os.RemoveAll(filepath.Join(box, "old")))
			require.NoError(t, os.WriteFile(filepath.Join(box, "old"), nil, 0o644))
			return func() {}
		}},
		{"a directory where a rotated file was held", "rotate 3", func(_ *testbed, box string) func() {
			require.NoError(t, os.MkdirAll(filepath.Join(box, ".stdout.sluice-tmp.held.stdout.1", "x"), 0o755))
			require.NoError(t, os.MkdirAll(filepath.Join(box, "stdout.1", "y"), 0o755))
			return func() {}
		}},
		{"a read-only file system", "rotate 3", func(b *testbed, _ string) func() {
			remount(t, b.boxes, unix.MS_RDONLY)
			return func() { remount(t, b.boxes, 0) }
		}},
		{"an olddir on another file system", "rotate 3\nolddir old", func(_ *testbed, box string) func() {
			old := filepath.Join(box, "old")
			require.NoError(t, unix.Mount("sluice-other", old, "tmpfs", 0, "size=1m"))
			return func() { require.NoError(t, unix.Unmount(old, unix.MNT_DETACH)) }
		}},
	}
}

func remount(t *testing.T, at string, flags uintptr) {
	t.Helper()
	require.NoError(t, unix.Mount("", at, "", unix.MS_REMOUNT|flags, ""))
}

// ownFileSystem puts the sandboxes on one of their own.
func (b *testbed) ownFileSystem() {
	b.t.Helper()
	if err := unix.Mount("sluice-test", b.boxes, "tmpfs", 0, "size=64m,mode=0755"); err != nil {
		b.t.Skipf("missing privilege: only root can mount a file system: %v", err)
	}
	b.t.Cleanup(func() { _ = unix.Unmount(b.boxes, unix.MNT_DETACH) })
}

// TestTroubleAtTheStartIsAnOutage: what is in the way of a stream at the instant when an
// owner starts leads to what it leads to while one lives. The container waits for
// full_wait at most, and the stream goes on by itself.
func TestTroubleAtTheStartIsAnOutage(t *testing.T) {
	for _, policy := range []string{"drop", "block"} {
		for _, c := range troubles(t) {
			t.Run(policy+"/"+c.name, func(t *testing.T) {
				was := retryAfter
				retryAfter = 20 * time.Millisecond
				defer func() { retryAfter = was }()
				b := newTestbed(t, "max_stdout_size", "1MB", "full_wait", "100ms", "on_full", policy)
				b.ownFileSystem()
				require.NoError(t, os.MkdirAll(filepath.Join(b.sandbox("c"), "old"), 0o755))
				e := b.open()
				stdout, stderr := b.prepare(e, "c", settings.Variable{Name: "CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS", Value: c.policy})
				eventually(t, "both are looked at", func() bool { return e.Metrics().Visits >= 2 })
				e.Close()
				end := c.begin(b, b.sandbox("c"))
				e = b.open()
				assert.Equal(t, int64(2), e.Metrics().Streams)
				output := numbered(outputBytes/100, 100)
				if policy == "drop" {
					b.writes(stdout, output)
					end()
				} else {
					end()
					b.writes(stdout, output)
				}
				last := []byte("the last line\n")
				eventually(t, "what is written when the trouble is over gets into the log", func() bool {
					if e.Metrics().Dropping > 0 {
						return false
					}
					b.writes(stdout, last)
					time.Sleep(10 * time.Millisecond)
					data, _ := os.ReadFile(filepath.Join(b.sandbox("c"), "stdout"))
					return len(data) >= len(last) && string(data[len(data)-len(last):]) == string(last)
				})
				require.NoError(t, stdout.Close())
				require.NoError(t, stderr.Close())
				eventually(t, "the streams end", func() bool { return e.Metrics().Streams == 0 })
				m := e.Metrics()
				assert.GreaterOrEqual(t, m.InBytes(), int64(len(output)+len(last)))
				assert.Zero(t, (m.InBytes()-int64(len(output)))%int64(len(last)), "the account adds up")
				if policy == "block" {
					assert.Zero(t, m.DroppedBytes)
				}
				e.Close()
				assert.Empty(t, b.stateNames())
			})
		}
	}
}

// TestShortageOfDescriptorsIsTriedAgain: what a start had no descriptors for, it serves
// when there are some, by itself; nothing is dropped.
func TestShortageOfDescriptorsIsTriedAgain(t *testing.T) {
	waited := 0
	for room := uint64(8); room < 24; room++ {
		t.Run(fmt.Sprintf("room for %d", room), func(t *testing.T) {
			b := newTestbed(t, "full_wait", "100ms")
			stdout, stderr := b.abandoned("c")
			var limit unix.Rlimit
			require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
			few := limit
			few.Cur = uint64(countDescriptors(t)) + room
			b.parameters("prepare_timeout", "100ms", "full_wait", "100ms")
			require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &few))
			e, err := Open(b.module, b.logger())
			if err == nil && e.Metrics().Files < 2 { // of both streams
				waited++
				time.Sleep(300 * time.Millisecond) // longer than full_wait
			}
			require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
			if err != nil {
				require.ErrorIs(t, err, unix.EMFILE)
				e = b.open()
			}
			assert.Equal(t, int64(2), e.Metrics().Streams)
			output := numbered(outputBytes/100, 100)
			b.writes(stdout, output)
			require.NoError(t, stdout.Close())
			require.NoError(t, stderr.Close())
			eventually(t, "the streams end", func() bool { return e.Metrics().Streams == 0 })
			m := e.Metrics()
			assert.Equal(t, int64(2), m.Recovered)
			assert.Equal(t, int64(len(output)), m.WrittenBytes)
			assert.Zero(t, m.DroppedBytes)
			e.Close()
			assert.Empty(t, b.stateNames())
		})
	}
	assert.Positive(t, waited, "a start that had too few descriptors for the streams alone")
}

// TestPendingStreamsAreHandedOver: an owner that could not open a pipe's sandbox yet gives
// the pipe to the next one.
func TestPendingStreamsAreHandedOver(t *testing.T) {
	b := newTestbed(t)
	stdout, stderr := b.abandoned("c")
	hang := make(chan struct{})
	// Every thread that may hang in the file system of the sandbox does.
	b.parameters("prepare_timeout", "50ms")
	wait := func() { <-hang }
	beforeReach.Store(&wait)
	defer beforeReach.Store(nil)
	e := b.open()
	assert.Equal(t, int64(2), e.Metrics().Streams)
	assert.Equal(t, int64(2), e.Metrics().Blocked)
	status := e.Status()
	require.Len(t, status, 2)
	assert.Equal(t, control.Blocked, status[0].State)
	assert.Equal(t, "c", status[0].Container)
	_, err := stdout.WriteString("waits\n")
	require.NoError(t, err)
	require.NoError(t, stdout.Close())
	pipes := e.HandOver()
	assert.Len(t, pipes, 2)
	close(hang)
	beforeReach.Store(nil)
	e = b.open()
	closeAll(pipes)
	require.NoError(t, stderr.Close())
	eventually(t, "the streams end", func() bool { return e.Metrics().Streams == 0 })
	assert.Equal(t, "waits\n", string(b.series("c", "stdout", 10<<20)))
	e.Close()
}
