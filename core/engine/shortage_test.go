package engine

import (
	"fmt"
	"os"
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

// TestAPipeInPacketModeIsLoggedLikeAnother: a task can set O_DIRECT on its own end. Its
// packets are such that no buffer of a round size ends with one.
func TestAPipeInPacketModeIsLoggedLikeAnother(t *testing.T) {
	const packets, packetBytes = 200, 4095
	for name, text := range map[string][]byte{
		"lines": numbered(8190, 100), "long lines": numbered(10, 81_900), "no newline": numbered(1, 2*packets*packetBytes),
	} {
		t.Run(name, func(t *testing.T) {
			text = text[:packets*packetBytes]
			b := newTestbed(t, "max_stdout_size", "192KB", "logrotate_stdout_options", "rotate 1000", "stderr", "discard")
			e := b.open()
			stdout, stderr := b.prepare(e, "c")
			require.NoError(t, stderr.Close())
			eventually(t, "its thread has looked at the pipe", func() bool { return e.Metrics().Visits > 0 })
			e.Close() // so that all of it is in the pipe when the next owner looks
			flags, err := unix.FcntlInt(stdout.Fd(), unix.F_GETFL, 0)
			require.NoError(t, err)
			_, err = unix.FcntlInt(stdout.Fd(), unix.F_SETFL, flags|unix.O_DIRECT)
			require.NoError(t, err)
			for at := 0; at < len(text); at += packetBytes {
				n, err := unix.Write(int(stdout.Fd()), text[at:at+packetBytes])
				require.NoError(t, err)
				require.Equal(t, packetBytes, n)
			}
			e = b.open()
			defer e.Close()
			require.NoError(t, stdout.Close())
			eventually(t, "the stream has ended", func() bool { return e.Metrics().Streams == 0 })
			m := e.Metrics()
			assert.Zero(t, m.DroppedBytes)
			assert.Zero(t, m.WriteErrors)
			assert.Equal(t, int64(len(text)), m.WrittenBytes)
			var all []byte
			for i := 100; i >= 0; i-- {
				file := fmt.Sprintf("%s/stdout.%d", b.sandbox("c"), i)
				if i == 0 {
					file = b.sandbox("c") + "/stdout"
				}
				data, err := os.ReadFile(file)
				if err == nil {
					all = append(all, data...)
				}
			}
			sameBytes(t, text, all)
		})
	}
}
