package engine

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A task that changes the names of its log in a tight loop loses what it removes, and no
// more: every byte is written to a file of the logger's, and none is dropped.
func TestATaskFightsForItsLog(t *testing.T) {
	const files = 500
	line := append(bytes.Repeat([]byte("x"), 63), '\n')
	for name, fight := range map[string]func(live, old string){
		"removed": func(live, _ string) { _ = os.Remove(live) },
		"renamed": func(live, _ string) { _ = os.Rename(live, live+"-taken") },
		"link": func(live, _ string) {
			_ = os.RemoveAll(live)
			_ = os.Symlink("/nowhere", live)
		},
		"fifo": func(live, _ string) {
			_ = os.RemoveAll(live)
			_ = unix.Mkfifo(live, 0o600)
		},
		"directory": func(live, _ string) {
			_ = os.RemoveAll(live)
			_ = os.MkdirAll(filepath.Join(live, "full"), 0o755)
		},
		"olddir removed": func(_, old string) { _ = os.RemoveAll(old) },
		"olddir a link": func(_, old string) {
			_ = os.RemoveAll(old)
			_ = os.Symlink("/nowhere", old)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTestbed(t, "max_stdout_size", "4KB", "logrotate_stdout_options", "rotate 3\nolddir a/old\ncreateolddir")
			e := b.open()
			defer e.Close()
			stdout, stderr := b.prepare(e, "task")
			defer stderr.Close()
			live, old := filepath.Join(b.sandbox("task"), "stdout"), filepath.Join(b.sandbox("task"), "a", "old")
			var over atomic.Bool
			var fighting sync.WaitGroup
			fighting.Go(func() {
				for !over.Load() {
					fight(live, old)
				}
			})
			for range files * 4096 / len(line) {
				write(t, stdout, line)
			}
			waitFor(func() bool { return e.Metrics().InBytes() == files*4096 })
			over.Store(true)
			fighting.Wait()
			assert.Zero(t, e.Metrics().DroppedBytes)
			assert.Zero(t, e.Metrics().Panics)

			// What comes afterwards is where it belongs.
			after := numbered(2*4096/64, 64)
			write(t, stdout, after)
			require.NoError(t, stdout.Close())
			waitFor(func() bool { return e.Metrics().InBytes() == (files+2)*4096 && e.Metrics().Streams == 1 })
			var kept []byte
			for _, file := range []string{old + "/stdout.3", old + "/stdout.2", old + "/stdout.1", live} {
				// The name that was rotated may have been anything's.
				info, err := os.Lstat(file)
				if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
					continue
				}
				content, err := os.ReadFile(file)
				require.NoError(t, err)
				assert.LessOrEqual(t, len(content), 4096, file)
				kept = append(kept, content...)
			}
			same := bytes.HasSuffix(kept, after)
			assert.True(t, same, "the log ends with something else than what was written last")
		})
	}
}

// A new live file that a killed process could not give its name is empty, and goes.
func TestANewLiveFileThatGotNoNameIsSwept(t *testing.T) {
	b := newTestbed(t)
	stdout, stderr := b.abandoned("task")
	defer stdout.Close()
	defer stderr.Close()
	stray, foreign := b.sandbox("task")+"/.stdout.sluice-new-ABC", b.sandbox("task")+"/.stdout.sluice-newest"
	require.NoError(t, os.WriteFile(stray, nil, 0o600))
	require.NoError(t, os.WriteFile(foreign, nil, 0o600))
	b.open().Close()
	assert.NoFileExists(t, stray)
	assert.FileExists(t, foreign)
}
