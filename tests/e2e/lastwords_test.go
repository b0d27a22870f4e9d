package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/tests/kit"
)

// The last words of a container that ends while its agent is away: what is in its pipe
// then is there as long as somebody has the pipe open.

const (
	wordsWidth = 50
	firstWords = 1_000
	lastWords  = 4_000 // 200 KB, of which the agent sees nothing
)

// lastWordsTask writes, and when it is told to writes on and ends.
func lastWordsTask() []string {
	return []string{"--", "sh", "-c", tellPID + fmt.Sprintf(`
		seq --format=%[1]s 1 %[2]d
		until test -e go; do sleep 0.01; done
		exec seq --format=%[1]s %[3]d %[4]d`, seqFormat(wordsWidth), firstWords, firstWords+1, firstWords+lastWords)}
}

// speechless has a task end, with words that the agent has not read when it is killed.
// Before that the agent has said what is expected of it.
func (a *agent) speechless(says string) (box string) {
	a.t.Helper()
	dead := &background{cmd: a.command(lastWordsTask()...), ended: make(chan struct{})}
	log, err := os.Create(filepath.Join(filepath.Dir(a.workDir), "log"))
	require.NoError(a.t, err)
	defer log.Close()
	dead.cmd.Stderr = log
	require.NoError(a.t, dead.cmd.Start())
	go func() { _ = dead.cmd.Wait(); close(dead.ended) }()
	a.t.Cleanup(dead.kill)
	pid := a.awaitTasks(dead, 1)[0]
	box = a.sandboxes()[0]
	first := numbered(firstWords, wordsWidth)
	a.await(dead, func() bool {
		got, _ := os.ReadFile(filepath.Join(box, "stdout"))
		return bytes.Equal(got, first)
	})
	kit.Wait(a.t, "the agent says "+says, func() bool { return strings.Contains(read(a.t, log.Name()), says) })
	speak(a.t, dead.cmd.Process.Pid, pid, box)
	dead.kill()
	return box
}

// speak stops an agent and has its task end meanwhile.
func speak(t *testing.T, agent, task int, box string) {
	t.Helper()
	require.NoError(t, unix.Kill(agent, unix.SIGSTOP))
	require.NoError(t, os.WriteFile(filepath.Join(box, goFile), nil, 0o600))
	for began := time.Now(); !gone(task); time.Sleep(2 * time.Millisecond) {
		require.Less(t, time.Since(began), kit.Limit, "the task does not end")
	}
}

// gone says that a process has ended, whether or not somebody has waited for it.
func gone(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(status), ") Z ")
}

// keepers lists the processes that keep the state directory.
func (a *agent) keepers() (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range all {
		text, err := os.ReadFile(path)
		args := strings.Split(string(text), "\x00")
		if err != nil || len(args) < 3 || args[1] != "keep" || args[2] != "--state_dir="+a.stateDir {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil && !gone(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// keeperOf waits for the one that stands by, and ends it with the test.
func (a *agent) keeperOf() (pid int) {
	a.t.Helper()
	kit.Wait(a.t, "a keeper stands by", func() bool {
		text, _ := os.ReadFile(filepath.Join(a.stateDir, "keeper.log"))
		pids := a.keepers()
		if len(pids) == 1 {
			pid = pids[0]
		}
		return len(pids) == 1 && bytes.Contains(text, []byte("standing by"))
	})
	a.t.Cleanup(func() { _ = unix.Kill(pid, unix.SIGKILL) })
	return pid
}

// next runs the next agent until all streams have ended.
func (a *agent) next() outcome {
	a.t.Helper()
	got := a.run("--containers=0")
	require.Zero(a.t, got.code, "%s", got.failure())
	a.requireStateEmpty()
	return got
}

// unattendedMark is the mark of a stream whose end nobody has seen.
var unattendedMark = regexp.MustCompile(`^\[sluice\] \S+Z lost an unknown amount, perhaps nothing, since (\S+Z): its container ended while nobody had the pipe open\n$`)

// TestLastWordsThatNobodyHeld: they are lost, and that is told everywhere.
func TestLastWordsThatNobodyHeld(t *testing.T) {
	a := newAgent(t)
	box := a.speechless("nobody holds the pipes while the agent is away")
	last, err := os.Stat(filepath.Join(box, "stdout"))
	require.NoError(t, err)
	got := a.next()

	log := read(t, filepath.Join(box, "stdout"))
	rest, found := strings.CutPrefix(log, string(numbered(firstWords, wordsWidth)))
	require.True(t, found)
	mark := unattendedMark.FindStringSubmatch(rest)
	require.NotNil(t, mark, "%q", rest)
	assert.Equal(t, last.ModTime().UTC().Format("2006-01-02T15:04:05.000Z"), mark[1], "the last time of which the log is whole")
	assert.InDelta(t, 2, got.Metrics["sluice/streams_unattended"], 0)
	assert.InDelta(t, 2, got.Metrics["sluice/marks"], 0)
	assert.Contains(t, got.stderr, "containers ended while nobody had their pipes open")

	out, _, err := a.sluice("verify", "--state_dir="+a.stateDir, box)
	require.Error(t, err)
	assert.Contains(t, out, "stdout: NOT WHOLE")
	assert.Contains(t, out, "an unknown amount, perhaps nothing, was lost since")
	out, _, err = a.sluice("verify", "--json", "--state_dir="+a.stateDir, box)
	require.Error(t, err)
	var told struct {
		Streams []struct {
			Unknown int `json:"lost_unknown"`
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &told))
	assert.Equal(t, 1, told.Streams[0].Unknown)
}

// requireLastWords says that a series is all that the task has written, and nothing is told.
func (a *agent) requireLastWords(box string, got outcome) {
	a.t.Helper()
	assert.Equal(a.t, string(numbered(firstWords+lastWords, wordsWidth)), read(a.t, filepath.Join(box, "stdout")))
	assert.Empty(a.t, read(a.t, filepath.Join(box, "stderr")))
	assert.InDelta(a.t, 0, got.Metrics["sluice/streams_unattended"], 0)
	assert.NotContains(a.t, got.stderr, "while nobody had their pipes open")
	out, _, err := a.sluice("verify", "--state_dir="+a.stateDir, box)
	assert.NoError(a.t, err, out)
}

// TestLastWordsThatAKeeperHeld: the agent has started it, and it ends when all is served.
func TestLastWordsThatAKeeperHeld(t *testing.T) {
	a := newAgent(t, parameter{"keeper", "start"})
	box := a.speechless("a keeper holds the pipes while the agent is away")
	kit.Wait(a.t, "the keeper has served and ended", func() bool { return len(a.keepers()) == 0 })
	a.requireStateEmpty()
	a.requireLastWords(box, outcome{report: report{Metrics: map[string]float64{}}})
	assert.Contains(t, read(t, filepath.Join(a.stateDir, "keeper.log")), "the last stream has ended")
}

// TestLastWordsAreNotMissedWhereTheContainerWasDone: it had ended before its agent died.
func TestLastWordsAreNotMissedWhereTheContainerWasDone(t *testing.T) {
	a := newAgent(t)
	dead := a.start("--hold", "--", "sh", "-c", tellPID+"seq 1 100")
	pid := a.awaitTasks(dead, 1)[0]
	a.await(dead, func() bool { return gone(pid) && a.stateEmpty() })
	dead.kill()
	got := a.next()
	assert.InDelta(t, 0, got.Metrics["sluice/streams_unattended"], 0)
	assert.NotContains(t, read(t, filepath.Join(a.sandboxes()[0], "stdout")), "[sluice]")
}

func (a *agent) stateEmpty() bool {
	left, _ := filepath.Glob(filepath.Join(a.stateDir, "*.fifo"))
	return len(left) == 0
}
