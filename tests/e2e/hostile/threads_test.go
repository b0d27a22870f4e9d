package hostile

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// How long a file system may take to fill, and how often to look.
const (
	timeToFill = 2 * time.Minute
	pollEvery  = 20 * time.Millisecond
)

// requireWorkersWithoutRights says that the process has worker threads, and that none
// of them could act as root on files: of all capabilities they have those to take a
// user's identity.
func requireWorkersWithoutRights(t *testing.T, pid int) {
	t.Helper()
	const kept = 1<<unix.CAP_SETUID | 1<<unix.CAP_SETGID
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	require.NoError(t, err)
	workers, whole := 0, 0
	for _, task := range tasks {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/status", pid, task.Name()))
		if err != nil {
			continue // the thread has ended
		}
		fields := map[string]string{}
		for _, line := range strings.Split(string(status), "\n") {
			key, value, _ := strings.Cut(line, ":")
			fields[key] = strings.TrimSpace(value)
		}
		if fields["CapPrm"] == fmt.Sprintf("%016x", kept) {
			require.Equal(t, fields["CapPrm"], fields["CapEff"])
			workers++
			continue
		}
		whole++
		// Whoever has the task's identity has given up the rest.
		uids := strings.Fields(fields["Uid"])
		require.Equal(t, uids[0], uids[3], "thread %s has its capabilities and another fsuid", task.Name())
	}
	require.Positive(t, workers, "threads without rights")
	require.Positive(t, whole, "threads of the host")
}
