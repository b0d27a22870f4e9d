package budget

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// mountDisk mounts a file system of so many bytes.
func mountDisk(t *testing.T, sizeBytes int64) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("missing privilege: only root can mount a file system")
	}
	path := t.TempDir()
	if err := unix.Mount("none", path, "tmpfs", 0, fmt.Sprintf("size=%d", sizeBytes)); err != nil {
		t.Skipf("missing privilege: mount a tmpfs: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, unix.Unmount(path, unix.MNT_DETACH)) })
	return path
}

// watch looks at the free space until the function that it gives is called.
func watch(t *testing.T, disk string) func() (leastBytes int64, looks int) {
	end, ended := make(chan struct{}), make(chan struct{})
	least, looks := int64(1<<62), 0
	go func() {
		defer close(ended)
		ticker := time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		for {
			var st unix.Statfs_t
			if err := unix.Statfs(disk, &st); err != nil {
				t.Error(err)
				return
			}
			least = min(least, int64(st.Bavail)*st.Bsize)
			looks++
			select {
			case <-end:
				return
			case <-ticker.C:
			}
		}
	}()
	return func() (int64, int) {
		close(end)
		<-ended
		return least, looks
	}
}

// examine reads the series in a sandbox: its numbers follow each other up to the last
// one that was written.
func (s show) examine(t *testing.T, sandbox string) Container {
	t.Helper()
	name, _, _ := strings.Cut(sandbox[strings.Index(sandbox, "/executors/task-")+len("/executors/task-"):], "/")
	number, err := strconv.Atoi(name)
	require.NoError(t, err)
	last := s.lines(number) * s.Rounds
	result := Container{WrittenBytes: digits(last)}

	paths, err := filepath.Glob(filepath.Join(sandbox, "stdout.[0-9]*"))
	require.NoError(t, err)
	sort.Slice(paths, func(a, b int) bool { return age(t, paths[a]) > age(t, paths[b]) })
	expected := -1
	for _, path := range append(paths, filepath.Join(sandbox, "stdout")) {
		result.LastBytes = 0
		f, err := os.Open(path)
		require.NoError(t, err)
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); expected++ {
			got, err := strconv.Atoi(lines.Text())
			require.NoError(t, err, path)
			if expected < 0 {
				expected = got
			}
			require.Equal(t, expected, got, "%s: the numbers follow each other", path)
			result.LastBytes += int64(len(lines.Bytes())) + 1
		}
		result.KeptBytes += result.LastBytes
	}
	require.Equal(t, last, expected-1, "%s: the last number is there", sandbox)
	return result
}

// age is the number in the name of a rotated file.
func age(t *testing.T, path string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(path), "stdout."))
	require.NoError(t, err)
	return n
}

// digits is how many bytes the numbers up to last have, a line each.
func digits(last int) (bytes int64) {
	for length, first := 1, 1; first <= last; length, first = length+1, first*10 {
		bytes += int64(min(last, first*10-1)-first+1) * int64(length+1)
	}
	return bytes
}
