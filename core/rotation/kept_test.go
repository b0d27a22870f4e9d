package rotation

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/logrotate"
	"sluice/core/sandbox"
)

// keptNow is what the rotated files in a sandbox take.
func keptNow(t *testing.T, box string) Kept {
	t.Helper()
	var now Kept
	for _, pattern := range []string{"stdout?*", "old/stdout?*"} {
		paths, err := filepath.Glob(filepath.Join(box, pattern))
		require.NoError(t, err)
		for _, path := range paths {
			info, err := os.Stat(path)
			require.NoError(t, err)
			now.Bytes += info.Size()
			now.Files++
		}
	}
	return now
}

// TestKeptFollowsTheSeries rotates, compresses and drops, and compares what was told
// with what is there.
func TestKeptFollowsTheSeries(t *testing.T) {
	for _, options := range []string{
		"rotate 3", "rotate 3\ncompress", "rotate 3\ncompress\ndelaycompress", "rotate 0", "rotate -1",
		"rotate 3\ndateext\ndateformat -%Y%m%d", "rotate 3\nolddir old\ncreateolddir", "rotate 100",
		"rotate 0\ncompress", "rotate 2\nstart 0", "rotate 3\nmaxage 2",
	} {
		t.Run(options, func(t *testing.T) {
			box := t.TempDir()
			dir, err := sandbox.Open(box)
			require.NoError(t, err)
			defer dir.Close()
			policy, _, err := logrotate.Parse(options, logrotate.Rules{})
			require.NoError(t, err)
			var told Kept
			var tasks []Task
			s, err := New(Config{
				Dir: dir, Base: "stdout", Policy: policy, LimitBytes: 1 << 20,
				Submit: func(task Task) { tasks = append(tasks, task) },
				Now:    time.Now,
				Kept:   func(_ *Set, now Kept, _ bool) { told = now },
			})
			require.NoError(t, err)
			defer s.Close()
			now := time.Now().Add(-10 * 24 * time.Hour)
			for i := range 8 {
				line := strings.Repeat(fmt.Sprintf("line %d\n", i), 100*(i+1))
				require.NoError(t, os.WriteFile(filepath.Join(box, "stdout"), []byte(line), 0o644))
				require.NoError(t, os.Chtimes(filepath.Join(box, "stdout"), now, now))
				_, err := s.Rotate(now)
				require.NoError(t, err)
				assert.Equal(t, keptNow(t, box), told, "rotation %d", i)
				for _, task := range tasks {
					task(nil)
				}
				tasks = nil
				now = now.Add(24 * time.Hour)
			}
			before := told
			assert.Equal(t, keptNow(t, box), before)
			size, ok, err := s.DropOldest()
			require.NoError(t, err)
			assert.Equal(t, before.Files > 0, ok)
			if ok {
				assert.Equal(t, Kept{before.Bytes - size, before.Files - 1}, told)
			}
			assert.Equal(t, keptNow(t, box), told)
		})
	}
}

func TestAnExtendedFileCountsItsLimit(t *testing.T) {
	box := t.TempDir()
	dir, err := sandbox.Open(box)
	require.NoError(t, err)
	defer dir.Close()
	var told Kept
	s, err := New(Config{
		Dir: dir, Base: "stdout", Policy: logrotate.Policy{Rotate: 3, Start: 1}, LimitBytes: 4096, Now: time.Now,
		Kept: func(_ *Set, now Kept, _ bool) { told = now },
	})
	require.NoError(t, err)
	defer s.Close()
	require.NoError(t, os.WriteFile(filepath.Join(box, "stdout.1"), []byte("line\n"), 0o644))
	require.NoError(t, os.Truncate(filepath.Join(box, "stdout.1"), 1<<40))
	require.NoError(t, s.Recover(time.Now()))
	assert.Equal(t, Kept{4096, 1}, told)
}

// TestFilesBesideAPolicyThatKeepsNone are the task's.
func TestFilesBesideAPolicyThatKeepsNone(t *testing.T) {
	d, err := newDriver(t, t.TempDir(), "rotate 0")
	require.NoError(t, err)
	box := d.dir
	require.NoError(t, os.WriteFile(filepath.Join(box, "stdout.1"), []byte("mine\n"), 0o644))
	_, ok, err := d.set.DropOldest()
	require.NoError(t, err)
	assert.False(t, ok)
	assert.FileExists(t, filepath.Join(box, "stdout.1"))
}
