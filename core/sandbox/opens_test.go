package sandbox

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// openedIn has the name of a directory in the process that is traced.
const openedIn = "SLUICE_OPENED_IN"

// To open a device is to act on it: a watchdog starts. So what bears a name of ours is opened
// as a path only (O_PATH) before it is known to be a file, as the system calls show.
func TestOnlyFilesAreOpened(t *testing.T) {
	if directory := os.Getenv(openedIn); directory != "" {
		d, err := Open(directory)
		require.NoError(t, err)
		for _, name := range []string{"file", "fifo", "device"} {
			_, _ = d.OpenRead(name)
			_, _ = d.OpenWrite(name)
		}
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("needs CAP_MKNOD")
	}
	strace, err := exec.LookPath("strace")
	require.NoError(t, err, "install strace")
	directory := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(directory, "file"), nil, 0o600))
	require.NoError(t, unix.Mkfifo(filepath.Join(directory, "fifo"), 0o600))
	require.NoError(t, unix.Mknod(filepath.Join(directory, "device"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))))

	trace := filepath.Join(t.TempDir(), "trace")
	traced := exec.Command(strace, "-f", "-y", "-e", "trace=open,openat,openat2", "-o", trace,
		os.Args[0], "-test.run=^TestOnlyFilesAreOpened$")
	traced.Env = append(os.Environ(), openedIn+"="+directory)
	output, err := traced.CombinedOutput()
	require.NoError(t, err, string(output))
	calls, err := os.ReadFile(trace)
	require.NoError(t, err)
	looked, opened := 0, 0
	for _, call := range strings.Split(string(calls), "\n") {
		if !strings.Contains(call, directory) {
			continue
		}
		switch {
		case strings.Contains(call, "O_PATH"):
			looked++
		case regexp.MustCompile(`= \d+<` + regexp.QuoteMeta(directory) + `/(fifo|device)`).MatchString(call):
			t.Errorf("opened: %s", call)
		case regexp.MustCompile(`= \d+<` + regexp.QuoteMeta(directory) + `/file`).MatchString(call):
			opened++
		}
	}
	require.Equal(t, 6, looked, string(calls))
	require.Equal(t, 2, opened, string(calls))
}
