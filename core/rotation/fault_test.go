package rotation

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/guard"
	"sluice/core/rotation/script"
)

// faultySet gives a driver, rotated once under its policy.
func faultySet(t *testing.T, options string) *driver {
	t.Helper()
	d, err := newDriver(t, t.TempDir(), options)
	require.NoError(t, err)
	d.now = time.Now()
	d.set.cfg.Guard = guard.New(d.set.cfg.Log)
	d.append("text\n", 1000)
	return d
}

// caught calls f as a worker thread does: a panic ends f, and no more.
func caught(d *driver, f func() error) error { return d.set.cfg.Guard.Run("test", f) }

// open counts the descriptors that lead into a sandbox.
func (d *driver) open() (count int) {
	links, err := filepath.Glob("/proc/self/fd/*")
	require.NoError(d.t, err)
	for _, link := range links {
		if path, err := os.Readlink(link); err == nil && strings.HasPrefix(path, d.dir) {
			count++
		}
	}
	return count
}

// TestAFaultInACallbackLeavesTheSetUsable has each function that the Set calls panic
// once, wherever it calls it: the panic can be caught, no lock is left in a state that
// ends the process or stops the next rotation, and no descriptor stays.
func TestAFaultInACallbackLeavesTheSetUsable(t *testing.T) {
	for _, c := range []struct {
		name, options string
		inject        func(cfg *Config, fault func())
	}{
		{"script of a rotation", "rotate 2\nprerotate\ntrue\nendscript", func(cfg *Config, fault func()) {
			cfg.RunScript = func(script.Command) error { fault(); return nil }
		}},
		{"postrotate", "rotate 2\npostrotate\ntrue\nendscript", func(cfg *Config, fault func()) {
			cfg.RunScript = func(script.Command) error { fault(); return nil }
		}},
		{"preremove of a rotation", "rotate 1\npreremove\ntrue\nendscript", func(cfg *Config, fault func()) {
			cfg.RunScript = func(script.Command) error { fault(); return nil }
		}},
		{"preremove of a compression", "rotate 2\ncompress\npreremove\ntrue\nendscript", func(cfg *Config, fault func()) {
			cfg.RunScript = func(script.Command) error { fault(); return nil }
		}},
		{"external compressor", "rotate 2\ncompress\ncompresscmd slow\ncompressext .slow", func(cfg *Config, fault func()) {
			cfg.RunScript = func(c script.Command) error { fault(); _, err := io.Copy(c.Stdout, c.Stdin); return err }
		}},
		{"external compressor within a rotation", "rotate 3\ncompress\ncompresscmd slow\ncompressext .slow\npostrotate\ntrue\nendscript", func(cfg *Config, fault func()) {
			cfg.RunScript = func(c script.Command) error {
				if c.Name != "compress" {
					return nil
				}
				fault()
				_, err := io.Copy(c.Stdout, c.Stdin)
				return err
			}
		}},
		{"submit", "rotate 2\ncompress", func(cfg *Config, fault func()) {
			submit := cfg.Submit
			cfg.Submit = func(task Task) { fault(); submit(task) }
		}},
		{"settle", "rotate 2\ncompress", func(cfg *Config, fault func()) {
			cfg.Settle = func(task func()) { fault(); task() }
		}},
		{"kept", "rotate 2\ncompress", func(cfg *Config, fault func()) { cfg.Kept = func(*Set, Kept, bool) { fault() } }},
		{"clock", "rotate 2\ncompress", func(cfg *Config, fault func()) {
			now := cfg.Now
			cfg.Now = func() time.Time { fault(); return now() }
			cfg.Settle = func(task func()) { cfg.Now(); task() }
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := faultySet(t, c.options)
			before := d.open()
			var faults atomic.Int64
			c.inject(&d.set.cfg, func() {
				if faults.Add(-1) >= 0 {
					panic("injected")
				}
			})
			for range 4 {
				faults.Store(1)
				_ = caught(d, func() error { _, err := d.set.Rotate(d.now); return err })
				_ = caught(d, func() error { d.work(); return nil })
				_ = caught(d, func() error { return d.set.Expire(d.now) })
				d.append("text\n", 1000)
			}
			faults.Store(0)
			require.Positive(t, d.set.cfg.Guard.Caught())
			if d.set.unfinished {
				require.NoError(t, d.set.Recover(d.now)) // as a stream does that is rebuilt
			}
			out, err := d.set.Rotate(d.now)
			require.NoError(t, err)
			assert.True(t, out.Rotated)
			d.work()
			assert.False(t, d.set.Working())
			assert.Zero(t, d.set.Stats().Pending, "what had a fault is tried again")
			assert.Equal(t, before, d.open(), "descriptors into the sandbox")
		})
	}
}

// TestARefusedCompressionIsTriedAgain: a task for which there was no thread is not in
// hand any more, so that a stream that has ended waits for nothing and the next rotation
// tries again.
func TestARefusedCompressionIsTriedAgain(t *testing.T) {
	d := faultySet(t, "rotate 3\ncompress")
	_, err := d.set.Rotate(d.now)
	require.NoError(t, err)
	require.True(t, d.set.Working())
	task := d.queue[0]
	d.queue = nil
	require.False(t, task(unix.EPERM), "there will be no thread")
	assert.False(t, d.set.Working())

	d.append("text\n", 1000)
	_, err = d.set.Rotate(d.now)
	require.NoError(t, err)
	assert.Len(t, d.queue, 2, "the one that was refused, and the new one")
	d.work()
	assert.FileExists(t, filepath.Join(d.dir, "stdout.2.gz"))
}

// TestAShortageWithinACompressionIsWaitedFor: no descriptor for the file or the output
// is no failure. The file is compressed when there is one.
func TestAShortageWithinACompressionIsWaitedFor(t *testing.T) {
	d := faultySet(t, "rotate 3\ncompress")
	_, err := d.set.Rotate(d.now)
	require.NoError(t, err)
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	task := d.queue[0]
	d.queue = nil
	for room := range 2 { // for none, and for the file alone
		few := limit
		few.Cur = uint64(lowestFree(t) + room)
		require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &few))
		again := task(nil)
		require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
		assert.True(t, again, "with room for %d descriptors", room)
		assert.True(t, d.set.Working(), "an ended stream waits for it")
	}
	assert.False(t, task(nil))
	assert.Zero(t, d.set.Stats().FailedCompressions)
	assert.FileExists(t, filepath.Join(d.dir, "stdout.1.gz"))
}

// lowestFree is the number of the next descriptor. (Those below are all in use.)
func lowestFree(t *testing.T) int {
	t.Helper()
	fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
	require.NoError(t, err)
	require.NoError(t, unix.Close(fd))
	return fd
}
