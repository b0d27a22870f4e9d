package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestOutOfInodesIsSaidToBeThat: the disk has room, and no other file can be made. The
// kernel's words for that are those of a full disk; the agent's log and the mark in the
// container's log say what it is.
func TestOutOfInodesIsSaidToBeThat(t *testing.T) {
	b := newTestbed(t, "max_stdout_size", "4KB", "logrotate_stdout_options", "rotate 9",
		"evict_on_full", "false", "full_wait", "0ms")
	b.smallDisk("8m,nr_inodes=30")
	e := b.open()
	stdout, stderr := b.prepare(e, "c")
	require.NoError(t, stderr.Close())
	var fillers []string
	for i := 0; ; i++ {
		path := filepath.Join(b.boxes, fmt.Sprintf("filler-%d", i))
		f, err := os.Create(path)
		if errors.Is(err, unix.ENOSPC) {
			break
		}
		require.NoError(t, err)
		require.NoError(t, f.Close())
		fillers = append(fillers, path)
	}
	write(t, stdout, []byte(strings.Repeat("a line of text\n", 1000)))
	waitFor(func() bool { return e.Metrics().DroppedBytes > 0 })
	for _, path := range fillers {
		require.NoError(t, os.Remove(path))
	}
	waitFor(func() bool {
		write(t, stdout, []byte("more\n"))
		return e.Metrics().Marks > 0
	})
	require.NoError(t, stdout.Close())
	waitEnded(e)
	e.Close()
	const said = "no space left on device: the file system has no free inode"
	assert.Contains(t, b.log.String(), said)
	assert.Contains(t, string(b.series("c", "stdout", 4096)), said)
}
