package check

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDiskAgainstTheFileSystem(t *testing.T) {
	text := manifest("/no/such.so", "max_stdout_size", "1TB", "max_stderr_size", "1TB")
	r := Run(Request{Modules: text, Containers: 1000000, WorkDir: t.TempDir()})
	assert.Contains(t, strings.Join(texts(r, Warning), "\n"), "the logs of that many containers can take 4.1EB; the file system of ")
	r = Run(Request{Modules: manifest("/no/such.so", "node_max_bytes", "1GB"), Containers: 40})
	assert.Equal(t, int64(1<<30), r.Loggers[0].Disk.NodeBytes, "the budget holds")
	assert.NotContains(t, strings.Join(texts(r, Warning), "\n"), "live files")
	r = Run(Request{Modules: manifest("/no/such.so", "node_max_bytes", "8MB", "max_stdout_size", "2MB", "max_stderr_size", "2MB"), Containers: 5})
	assert.Equal(t, int64(20<<20), r.Loggers[0].Disk.NodeBytes, "no budget deletes live files")
	assert.Contains(t, strings.Join(texts(r, Warning), "\n"), "the live files of that many containers alone can take 20MB, more than node_max_bytes=8MB")
	r = Run(Request{Modules: text, WorkDir: "/no/such/dir"})
	assert.Contains(t, strings.Join(texts(r, Error), "\n"), "--work_dir=/no/such/dir: no such file or directory")
	r = Run(Request{Modules: manifest("/no/such.so", "max_stdout_size", "1TB"), Containers: 1 << 40})
	assert.Equal(t, int64(1<<63-1), r.Loggers[0].Disk.NodeBytes, "more than can be counted")
}
