package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/tests/kit"
)

// A policy may leave the owner of a log no permission to read or write it. The logger knows its
// own live file all the same, also the next owner, and compresses what was rotated.
func TestModesThatKeepTheOwnerOut(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to run as another user")
	}
	for _, mode := range []os.FileMode{0o440, 0o400, 0, 0o244, 0o040, 0o200} {
		for _, user := range []string{"nobody", ""} {
			t.Run(fmt.Sprintf("%04o as %q", mode, user), func(t *testing.T) {
				b := newTestbed(t, "max_stdout_size", "8KB",
					"logrotate_stdout_options", fmt.Sprintf("rotate 100\ncompress\ncreate %04o", mode))
				e := b.open()
				defer func() { e.Close() }()
				box := b.sandbox("modes")
				require.NoError(t, os.Chmod(filepath.Dir(b.boxes), 0o755))
				require.NoError(t, os.Chmod(b.boxes, 0o755))
				if user != "" {
					require.NoError(t, os.Chown(box, 65534, 65534))
				}
				d, err := e.Prepare(Launch{ContainerID: "modes", Sandbox: box, User: user})
				require.NoError(t, err)
				stdout := os.NewFile(uintptr(d.Stdout), "stdout")
				require.NoError(t, os.NewFile(uintptr(d.Stderr), "stderr").Close())
				want := numbered(400, 100)
				for part := want; len(part) > 0; part = part[4000:] {
					_, err := stdout.Write(part[:4000])
					require.NoError(t, err)
					e.Close()
					e = b.open()
				}
				require.NoError(t, stdout.Close())
				waitEnded(e)
				sameBytes(t, want, kit.Joined(t, 1<<20, box, "stdout"))
				info, err := os.Stat(filepath.Join(box, "stdout"))
				require.NoError(t, err)
				assert.Equal(t, mode, info.Mode().Perm())
				aside, err := filepath.Glob(filepath.Join(box, "*.impostor-*"))
				require.NoError(t, err)
				assert.Empty(t, aside)
				assert.Zero(t, e.Metrics().DroppedBytes)
			})
		}
	}
}
