package engine

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What readers know the files of an ended container by is there at its end, whatever was done
// to it, or could not be done, before.
func TestPolicyIsShownWhenAContainerHasEnded(t *testing.T) {
	for name, act := range map[string]func(t *testing.T, conf string){
		"removed": func(t *testing.T, conf string) { require.NoError(t, os.Remove(conf)) },
		"changed": func(t *testing.T, conf string) { require.NoError(t, os.WriteFile(conf, []byte("rotate 9\n"), 0o644)) },
		"another file": func(t *testing.T, conf string) {
			require.NoError(t, os.Rename(conf, conf+".away"))
			require.NoError(t, os.WriteFile(conf, []byte("\"x\" {\n}\n"), 0o644))
		},
		"not written at the launch": nil,
	} {
		t.Run(name, func(t *testing.T) {
			b := newTestbed(t, "logrotate_stdout_options", "rotate 3\naddextension .log")
			e := b.open()
			defer e.Close()
			conf := filepath.Join(b.sandbox("c1"), "stdout.logrotate.conf")
			if act == nil {
				require.NoError(t, os.MkdirAll(filepath.Join(conf, "in the way"), 0o755))
			}
			stdout, stderr := b.prepare(e, "c1")
			write(t, stdout, []byte("a line\n"))
			waitFor(func() bool { return e.Metrics().InBytes() > 0 })
			if act == nil {
				require.NoError(t, os.RemoveAll(conf))
			} else {
				waitFor(func() bool { _, err := os.Stat(conf); return err == nil })
				act(t, conf)
			}
			stdout.Close()
			stderr.Close()
			waitEnded(e)
			assert.Contains(t, b.read("c1", "stdout.logrotate.conf"), "addextension .log")
		})
	}
}
