package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The file with the longest writes of a flooding task, one nanosecond count a line.
const stallsFile = "stalls"

// floodUntilTold writes as fast as it can, and notes the longest write of each
// hundredth of a second: with a full pipe a write waits for whoever empties it.
func floodUntilTold() error {
	if err := os.WriteFile(pidFile, []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return err
	}
	const window = 10 * time.Millisecond
	line := []byte(strings.Repeat("f", 4095) + "\n")
	var stalls []string
	for !toldToEnd() {
		longest := time.Duration(0)
		for began := time.Now(); time.Since(began) < window; {
			before := time.Now()
			if _, err := os.Stdout.Write(line); err != nil {
				return err
			}
			longest = max(longest, time.Since(before))
		}
		stalls = append(stalls, strconv.FormatInt(int64(longest), 10))
	}
	return os.WriteFile(stallsFile, []byte(strings.Join(stalls, "\n")), 0o600)
}

// TestLongestBlockedWrite shows how long a container that floods its pipe waits in a
// write, over kill, keeper and next agent, and what that costs. It only prints: the
// figures are the machine's as well.
func TestLongestBlockedWrite(t *testing.T) {
	const rounds = 20
	n := newNode(t, 1, parameter{"max_stdout_size", "1MB"}, parameter{"logrotate_stdout_options", "rotate 2"})
	self, err := os.Executable()
	require.NoError(t, err)
	n.startKeeper()
	n.logged("the agent is away")
	n.startAgent("--containers=1", "--", self, writerArgument, floodSeed)
	n.until(func() bool {
		n.boxes = n.sandboxes()
		return len(n.boxes) == 1 && len(anyRotated(n.boxes[0], "stdout")) == 2
	})
	n.t.Cleanup(n.endTasks)
	var cpu []time.Duration
	for range rounds {
		n.kill(n.agentProcess)
		cpu = append(cpu, n.agentProcess.ProcessState.UserTime()+n.agentProcess.ProcessState.SystemTime())
		n.until(func() bool { return n.openPipes(n.keeper) == 2 })
		n.startAgent("--containers=0")
		n.until(func() bool { return n.openPipes(n.agentProcess) == 2 })
	}
	require.NoError(t, os.WriteFile(filepath.Join(n.boxes[0], endFile), nil, 0o600))
	require.NoError(t, n.agentProcess.Wait())
	n.kill(n.keeper)
	// The first agent has served for longer, and launched the task.
	cpu = slices.Sorted(slices.Values(cpu[1:]))
	kept := n.keeper.ProcessState.UserTime() + n.keeper.ProcessState.SystemTime()
	t.Logf("processor time: %v in the median for an agent from its start until it is killed, %v for the keeper's turn in between, the flood included",
		cpu[len(cpu)/2], kept/rounds)
	var stalls []time.Duration
	for line := range strings.Lines(read(t, filepath.Join(n.boxes[0], stallsFile))) {
		var ns int64
		_, err := fmt.Sscan(line, &ns)
		require.NoError(t, err)
		stalls = append(stalls, time.Duration(ns))
	}
	slices.Sort(stalls)
	// Each round has two changes of owner; so many of the longest writes are theirs.
	changes := stalls[max(0, len(stalls)-2*rounds):]
	t.Logf("%d changes of owner: the longest write of each is %v in the median, %v at the 90th percentile, %v at most",
		2*rounds, changes[len(changes)/2], changes[len(changes)*9/10], changes[len(changes)-1])
}
