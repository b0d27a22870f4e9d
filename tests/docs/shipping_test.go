package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestShipping runs rsyslog as docs/shipping.md configures it, and a task whose log is
// rotated and compressed 20 times: what arrives is what was written.
func TestShipping(t *testing.T) {
	if _, err := exec.LookPath("rsyslogd"); err != nil {
		t.Skip("missing program: rsyslogd (Debian package rsyslog)")
	}
	if os.Geteuid() != 0 {
		t.Skip("missing privilege: only root can mount an overlay")
	}
	staged := install(t)
	for _, b := range blocks(t, "docs/shipping.md") {
		if b.file != "" {
			path := filepath.Join(staged, b.file)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, []byte(b.text), 0o644))
		}
	}
	for _, writes := range []string{"lines", "blocks"} {
		t.Run(writes, func(t *testing.T) {
			dir := t.TempDir()
			output(t, exec.Command("cp", "shipper", dir+"/page"))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "writes"), []byte(writes), 0o644))
			cmd := exec.Command("unshare", "--mount", "--pid", "--fork", "../chroot/run", "/", dir, "../chroot/stage", staged, "bash", "/mnt/page")
			require.Contains(t, output(t, cmd), "identical: 40000 lines, 20 rotations or more\n")
		})
	}
}
