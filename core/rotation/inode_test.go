package rotation

import (
	"io/fs"
	"os"
	"strconv"
	"syscall"
	"testing"
)

func inodeOf(info fs.FileInfo) uint64 { return info.Sys().(*syscall.Stat_t).Ino }

func base36(n uint64) string { return strconv.FormatUint(n, 36) }

// quickDir is a directory of the test in memory, where there is such a file system:
// thousands of sandboxes are made in it.
func quickDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "sluice-rotation-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
