package engine

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestOwnersOfTheOperatorsText: an owner that the task's user may not give files to fails
// no launch and is told once, whichever directive has it, and the log is whole.
func TestOwnersOfTheOperatorsText(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("missing privilege: CAP_SETUID and CAP_CHOWN, to run as another user in a directory of theirs")
	}
	for _, c := range []struct{ options, told string }{
		{"rotate 50\nsu root root", ""},
		{"rotate 50\ncreate 0640 root", ""},
		{"rotate 50\ncreate 0640 root adm", "the live file does not have the owner that the policy asks for"},
		{"rotate 50\nolddir old\ncreateolddir 0700 root root", "createolddir cannot give it away"},
		{"rotate 50\nolddir old\ncreateolddir 0700 root", ""},
	} {
		t.Run(c.options, func(t *testing.T) {
			b := newTestbed(t, "max_stdout_size", "4KB", "logrotate_stdout_options", c.options)
			e := b.open()
			box := b.sandbox("c")
			require.NoError(t, os.Chown(box, 65534, 65534))
			d, err := e.Prepare(Launch{ContainerID: "c", Sandbox: box, User: "nobody"})
			require.NoError(t, err)
			stdout := os.NewFile(uintptr(d.Stdout), "stdout")
			require.NoError(t, os.NewFile(uintptr(d.Stderr), "stderr").Close())
			var want bytes.Buffer
			for i := range 5000 {
				fmt.Fprintf(&want, "line %d\n", i)
			}
			_, err = stdout.Write(want.Bytes())
			require.NoError(t, err)
			require.NoError(t, stdout.Close())
			waitEnded(e)

			dir, got := box, ""
			if strings.Contains(c.options, "olddir") {
				dir = filepath.Join(box, "old")
			}
			for n := 49; n > 0; n-- {
				text, _ := os.ReadFile(filepath.Join(dir, fmt.Sprintf("stdout.%d", n)))
				got += string(text)
			}
			live, err := os.ReadFile(filepath.Join(box, "stdout"))
			require.NoError(t, err)
			assert.Equal(t, want.String(), got+string(live))
			e.Close()
			if c.told == "" {
				assert.NotContains(t, b.log.String(), "owner")
				return
			}
			assert.Equal(t, 1, strings.Count(b.log.String(), c.told), "%s", b.log)
		})
	}
}
