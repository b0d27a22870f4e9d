package engine

import (
	"fmt"
	"sluice/core/settings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestAShortageOfDescriptorsDropsNothing: while the process has no descriptor left, for
// far longer than full_wait, a container writes what asks for rotations. It waits, and
// when there are descriptors again all it wrote is there.
func TestAShortageOfDescriptorsDropsNothing(t *testing.T) {
	for room := range 4 {
		t.Run(fmt.Sprintf("room for %d", room), func(t *testing.T) {
			b := newTestbed(t, "max_stdout_size", "16KB", "logrotate_stdout_options", "rotate 1000\ncompress\ndelaycompress", "full_wait", "20ms")
			e := b.open()
			defer e.Close()
			stdout, stderr := b.prepare(e, "c")
			_, err := stdout.WriteString("first\n")
			require.NoError(t, err)
			eventually(t, "the first line is moved", func() bool { return e.Metrics().WrittenBytes == 6 })
			text := numbered(3000, 100)
			withRoom(t, room, func() {
				_, err := stdout.Write(text)
				assert.NoError(t, err)
				time.Sleep(time.Second)
			})
			require.NoError(t, stderr.Close())
			require.NoError(t, stdout.Close())
			eventually(t, "the stream has ended", func() bool { return e.Metrics().Streams == 0 })
			m := e.Metrics()
			assert.Zero(t, m.DroppedBytes)
			assert.Zero(t, m.WriteErrors)
			assert.Zero(t, m.RotationErrors)
			assert.Equal(t, int64(len(text)+6), m.WrittenBytes)
			assert.Empty(t, b.stateNames())
		})
	}
}

// TestAPipeInPacketModeIsLoggedLikeAnother: a task can set O_DIRECT on its own end.
func TestAPipeInPacketModeIsLoggedLikeAnother(t *testing.T) {
	for name, text := range map[string][]byte{
		"lines": numbered(4000, 100), "long lines": numbered(8, 100_000), "no newline": numbered(1, 500_000)[:499_000],
	} {
		t.Run(name, func(t *testing.T) {
			b := newTestbed(t, "max_stdout_size", "192KB", "logrotate_stdout_options", "rotate 1000")
			e := b.open()
			defer e.Close()
			d, err := e.Prepare(Launch{ContainerID: "c", Sandbox: b.sandbox("c"), Environment: []settings.Variable{}})
			require.NoError(t, err)
			require.NoError(t, unix.Close(d.Stderr))
			flags, err := unix.FcntlInt(uintptr(d.Stdout), unix.F_GETFL, 0)
			require.NoError(t, err)
			_, err = unix.FcntlInt(uintptr(d.Stdout), unix.F_SETFL, flags|unix.O_DIRECT)
			require.NoError(t, err)
			for at, length := 0, 1; at < len(text); length = length*5%8191 + 1 {
				n, err := unix.Write(d.Stdout, text[at:min(at+length, len(text))])
				require.NoError(t, err)
				at += n
			}
			require.NoError(t, unix.Close(d.Stdout))
			eventually(t, "the stream has ended", func() bool { return e.Metrics().Streams == 0 })
			m := e.Metrics()
			assert.Zero(t, m.DroppedBytes)
			assert.Zero(t, m.WriteErrors)
			assert.Equal(t, int64(len(text)), m.WrittenBytes)
		})
	}
}
