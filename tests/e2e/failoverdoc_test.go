package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// commandLines are what docs/failover.md tells the operator to type.
func commandLines(t *testing.T) (lines []string) {
	t.Helper()
	inside := false
	for line := range strings.Lines(read(t, "../../docs/failover.md")) {
		switch line = strings.TrimSpace(line); {
		case line == "```sh":
			inside = true
		case line == "```":
			inside = false
		case inside:
			lines = append(lines, line)
		}
	}
	return lines
}

// Every command line of docs/failover.md does what the page says of it.
func TestDocumentedCommandLines(t *testing.T) {
	lines := commandLines(t)
	require.Len(t, lines, 3)
	for _, line := range lines {
		t.Run(line, func(t *testing.T) {
			n := newNode(t, 1)
			words := strings.Fields(strings.ReplaceAll(line, "/var/run/mesos/sluice", n.stateDir))
			require.Equal(t, "sluice", words[0])
			help := slices.Contains(words, "--help")
			if !help {
				require.NoError(t, os.Mkdir(n.stateDir, 0o700)) // as an agent has made it
			}
			cmd := n.spawn(exec.Command(filepath.Join(n.build, "sluice"), words[1:]...))
			if !help && !slices.Contains(words, "--drain") {
				n.logged("standing by")
				n.logged("the agent is away")
				require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
			}
			require.NoError(t, cmd.Wait())
			_, err := os.Stat(n.stateDir)
			require.Equal(t, help, os.IsNotExist(err))
		})
	}
}
