package state

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A container gives its end of the pipe a name in its sandbox: any process could open that and
// keep the stream from ending.
func TestAContainerGivesItsPipeNoName(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs CAP_SYS_ADMIN for a mount")
	}
	root := t.TempDir() // state directory and sandbox on one file system
	d, err := Open(filepath.Join(root, "state"))
	require.NoError(t, err)
	defer d.Close()
	if d.mount < 0 {
		t.Skip("needs CAP_SYS_ADMIN and Linux 5.2 for a mount")
	}
	require.NoError(t, d.MakeFIFO("a", os.Getuid(), os.Getgid()))
	reading, err := d.OpenReading("a")
	require.NoError(t, err)
	defer unix.Close(reading)
	container, err := d.OpenForContainer("a")
	require.NoError(t, err)
	defer unix.Close(container)

	name := fmt.Sprintf("/proc/self/fd/%d", container)
	err = unix.Linkat(unix.AT_FDCWD, name, unix.AT_FDCWD, filepath.Join(root, "pipe"), unix.AT_SYMLINK_FOLLOW)
	require.ErrorIs(t, err, unix.EXDEV)

	// What a container does with /dev/stdout works as ever.
	again, err := os.OpenFile(name, os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = again.WriteString("by its name in /proc\n")
	require.NoError(t, err)
	require.NoError(t, again.Close())
	read := make([]byte, 64)
	n, err := unix.Read(reading, read)
	require.NoError(t, err)
	assert.Equal(t, "by its name in /proc\n", string(read[:n]))
}
