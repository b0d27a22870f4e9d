package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/tests/kit"
	"sluice/tests/lossproof"
	"sluice/tests/older"
)

// olderOwner makes a keeper of an older version the owner of what an agent has left that
// was killed: with the same code as that version's agent.
func (n *node) olderOwner(release older.Release) *exec.Cmd {
	n.t.Helper()
	keeper := n.spawn(exec.Command(release.Sluice(n.t), "keep", "--state_dir="+n.stateDir))
	n.until(func() bool {
		require.True(n.t, running(keeper), "the keeper of version %s has ended", release.Version)
		return n.openPipes(keeper) == 2*len(n.boxes)
	})
	return keeper
}

// owner starts an agent of the version under test for the containers that there are.
func (n *node) owner() {
	n.t.Helper()
	n.startAgent("--containers=0")
	n.until(func() bool {
		require.True(n.t, running(n.agentProcess), "the agent did not start")
		return n.openPipes(n.agentProcess) == 2*len(n.boxes)
	})
}

// startOlder starts containers under an agent of an older version.
func (n *node) startOlder(release older.Release, count int, task ...string) {
	n.t.Helper()
	args := []string{strconv.Itoa(count), n.workDir}
	for _, p := range n.params {
		args = append(args, p.Key+"="+p.Value)
	}
	n.agentProcess = n.spawn(exec.Command(release.Agent(n.t), append(args, task...)...))
	n.until(func() bool {
		require.True(n.t, running(n.agentProcess), "the agent of version %s has ended", release.Version)
		n.boxes = n.sandboxes()
		for _, box := range n.boxes {
			if _, err := os.Stat(filepath.Join(box, pidFile)); err != nil {
				return false
			}
		}
		return len(n.boxes) == count
	})
	n.t.Cleanup(n.endTasks)
}

// Containers run through upgrades and downgrades, each a SIGKILL and an owner of the other
// version. SLUICE_KILL_SEED repeats a run as far as chance allows.
func TestContainersRunThroughUpgradesAndDowngrades(t *testing.T) {
	const rounds = 6
	seed := number(t, "SLUICE_KILL_SEED", rand.Uint64N(1e9))
	t.Logf("SLUICE_KILL_SEED=%d", seed)
	for _, release := range older.Releases {
		for _, begins := range []string{release.Version, "this version"} {
			t.Run(release.Version+", begun by "+begins, func(t *testing.T) {
				n := newNode(t, seed, parameter{"max_stdout_size", "64KB"}, parameter{"max_stderr_size", "64KB"},
					parameter{"logrotate_stdout_options", "rotate 10000"},
					parameter{"logrotate_stderr_options", "rotate 10000\ndateext\ncompress"})
				if begins == release.Version {
					n.startOlder(release, 2, writerTask(t, n.seed)...)
				} else {
					n.startContainers(2)
				}
				for range rounds {
					n.moment(300 * time.Millisecond)
					n.kill(n.agentProcess)
					keeper := n.olderOwner(release)
					n.moment(300 * time.Millisecond)
					n.kill(keeper)
					n.owner()
				}
				r := n.finish()
				_, bytes, lines := n.requireAll()
				require.InDelta(t, bytes, r.Metrics["sluice/bytes_written"], 0, "the account across all changes of version")
				require.InDelta(t, lines, r.Metrics["sluice/lines_written"], 0, "the account across all changes of version")
			})
		}
	}
}

// state is what `sluice status` says of the streams.
func (n *node) states() (states []string) {
	n.t.Helper()
	out, stderr, err := n.sluice("status", "--json", "--state_dir="+n.stateDir)
	if err != nil {
		return nil // no owner answers yet
	}
	var all struct {
		Streams []struct{ State string }
	}
	require.NoError(n.t, json.Unmarshal([]byte(out), &all), "%s %s", out, stderr)
	for _, stream := range all.Streams {
		states = append(states, stream.State)
	}
	return states
}

// A disk is full while the version changes, in both directions: what the marks say and
// what the log has are what was written.
func TestGapIsOpenWhileTheVersionChanges(t *testing.T) {
	needRoot(t)
	seed := rand.Uint64N(1e9)
	t.Logf("seed %d", seed)
	for _, release := range older.Releases {
		t.Run(release.Version, func(t *testing.T) {
			at, fill := smallTmpfs(t, 128)
			n := newNode(t, seed, parameter{"max_stdout_size", "256KB"}, parameter{"max_stderr_size", "256KB"},
				parameter{"logrotate_stdout_options", "rotate 10000"}, parameter{"logrotate_stderr_options", "rotate 10000"},
				parameter{"evict_on_full", "false"}, parameter{"full_wait", "100ms"})
			n.workDir = filepath.Join(at, "work")
			dropping := func() {
				n.until(func() bool { return strings.Count(fmt.Sprint(n.states()), "dropping") == 2*len(n.boxes) })
			}
			n.startContainers(2)
			n.moment(300 * time.Millisecond)

			free := fill()
			dropping()
			n.kill(n.agentProcess)
			keeper := n.olderOwner(release)
			dropping()
			free()
			n.until(func() bool { return !strings.Contains(fmt.Sprint(n.states()), "dropping") })

			free = fill()
			dropping()
			n.kill(keeper)
			n.owner()
			dropping()
			free()
			n.until(func() bool { return !strings.Contains(fmt.Sprint(n.states()), "dropping") })

			r := n.finish()
			dropped, lines, marks := 0, 0, 0
			for _, box := range n.boxes {
				w := writtenBy(t, box)
				for stream, count := range map[string]int64{"stdout": w.Stdout, "stderr": w.Stderr} {
					proof, err := lossproof.Check(newText(seed, stream).take(count), kit.Joined(t, fullLimitBytes, box, stream))
					require.NoError(t, err, "%s of %s", stream, box)
					require.Zero(t, proof.Missing)
					require.Len(t, proof.Marks, 2, "one for each time that the disk was full")
					dropped, lines, marks = dropped+proof.Bytes, lines+proof.Lines, marks+len(proof.Marks)
				}
			}
			for name, want := range map[string]int{"bytes_dropped": dropped, "lines_dropped": lines, "marks": marks} {
				assert.InDelta(t, want, r.Metrics["sluice/"+name], 0, name)
			}
			n.requireStateEmpty()
		})
	}
}

// A stream that keeps its first bytes only does so under every version, before they are
// full and after; and its container never waits.
func TestFirstBytesAreKeptWhileTheVersionChanges(t *testing.T) {
	for _, release := range older.Releases {
		for _, fullUnder := range []string{release.Version, "this version"} {
			t.Run("full under "+fullUnder, func(t *testing.T) {
				n := newNode(t, 1, parameter{"debug_containers", "first"})
				const script = `echo $$ > pid; seq -f 'first %06.0f' 1 1000; touch one
					until test -e go-two; do sleep 0.02; done; seq -f 'second %06.0f' 1 20000; touch two
					until test -e go-three; do sleep 0.02; done; seq -f 'third %06.0f' 1 600000; touch three
					until test -e end; do sleep 0.02; done; echo 0 > written`
				n.startAgent("--containers=1", "--container_class=DEBUG", "--", "/bin/sh", "-c", script)
				n.awaitFile("one")
				if fullUnder == "this version" {
					n.allow("two")
				}
				n.kill(n.agentProcess)
				keeper := n.olderOwner(release)
				n.allow("two")
				n.allow("three")
				n.kill(keeper)
				n.owner()
				require.NoError(t, os.WriteFile(filepath.Join(n.boxes[0], endFile), nil, 0o600))
				require.NoError(t, n.agentProcess.Wait())

				kept := content(t, n.boxes[0], "stdout")
				assert.LessOrEqual(t, len(kept), 64<<10)
				assert.Greater(t, len(kept), 63<<10)
				assert.True(t, strings.HasPrefix(kept, "first 000001\nfirst 000002\n"))
				assert.Regexp(t, `\nsecond \d{6}\n\[sluice\] \S+ only the first 65536 bytes are kept, what follows is discarded \(debug_containers=first\)\n$`, kept)
				assert.Empty(t, anyRotated(n.boxes[0], "stdout"))
				n.requireStateEmpty()
			})
		}
	}
}

// awaitFile waits until the task of the only container has made a file.
func (n *node) awaitFile(name string) {
	n.t.Helper()
	n.until(func() bool {
		n.boxes = n.sandboxes()
		if len(n.boxes) != 1 {
			return false
		}
		_, err := os.Stat(filepath.Join(n.boxes[0], name))
		return err == nil
	})
}

// allow lets the task go on to a step, and waits until it has done that.
func (n *node) allow(step string) {
	n.t.Helper()
	require.NoError(n.t, os.WriteFile(filepath.Join(n.boxes[0], "go-"+step), nil, 0o600))
	n.awaitFile(step)
}
