package engine

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/tests/lossproof"
)

// ballastEnv names the file whose removal makes room on the disk of the process that
// is killed, once it has dropped something.
const ballastEnv = "SLUICE_TEST_BALLAST"

// serveFullDisk serves until something was dropped, makes room, and goes on until a
// mark tells of it and all has been moved.
func serveFullDisk(e *Engine, ballast string, wanted int64) error {
	for e.Metrics().DroppedBytes == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := os.Remove(ballast); err != nil && !os.IsNotExist(err) {
		return err
	}
	for m := e.Metrics(); m.InBytes() < wanted || m.Dropping > 0; m = e.Metrics() {
		time.Sleep(time.Millisecond)
	}
	return nil
}

// TestKillAtEverySystemCallOnAFullDisk kills the owner of a stream after each system
// call that changes anything while it drops, counts, marks and goes on. What the next
// owner and the log say of the loss is exact.
func TestKillAtEverySystemCallOnAFullDisk(t *testing.T) {
	for _, c := range []struct {
		name, limit string
		before      []byte // what is in the log when the disk is full
	}{
		{"at the start of a line", "1MB", numbered(10, 100)},
		{"within a line", "1MB", append(numbered(10, 100), "the beginning, "...)},
		{"with a rotation for the mark", "4KB", numbered(39, 100)},
		{"with a line to carry over", "4KB", append(numbered(39, 100), "the beginning, "...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			calls, killed := killFullOnce(t, c.limit, c.before, 0, owners{})
			require.False(t, killed)
			require.True(t, slices.ContainsFunc(calls, func(call string) bool {
				return strings.HasPrefix(call, "splice ") && strings.HasSuffix(call, ".spill")
			}), "nothing went through the spill: %q", calls)
			points := 0
			for at := 1; killed || at == 1; at++ {
				_, killed = killFullOnce(t, c.limit, c.before, at, owners{})
				points = at
			}
			t.Logf("killed at %d points", points-1)
		})
	}
}

func killFullOnce(t *testing.T, limit string, before []byte, at int, by owners) (calls []string, killed bool) {
	t.Helper()
	b := newTestbed(t, "max_stdout_size", limit, "logrotate_stdout_options", "rotate 100",
		"full_wait", "0secs", "evict_on_full", "false", "max_stdout_rate", "100KB")
	b.smallDisk("1m")
	b.sandbox("k")
	e := b.open()
	stdout, stderr := b.prepare(e, "k")
	require.NoError(t, stderr.Close())
	write(t, stdout, before)
	waitFor(func() bool { return e.Metrics().InBytes() == int64(len(before)) && e.Metrics().Streams == 1 })
	e.Close()

	free := b.ballast(0)
	during := append([]byte("the end of a line\n"), numbered(200, 130)...)
	write(t, stdout, during)
	input := append(slices.Clone(before), during...)
	environment := []string{serveEnv + "=" + b.state, bytesEnv + "=" + strconv.Itoa(len(input))}
	calls, killed = by.step(t, append(environment, ballastEnv+"="+filepath.Join(b.boxes, "ballast")),
		filepath.Dir(filepath.Dir(b.state)), at)

	if _, err := os.Stat(filepath.Join(b.boxes, "ballast")); err == nil {
		free()
	}
	by.between(t, append(environment, faultsEnv+"="))
	e = b.open()
	after := []byte("and the rest\n")
	write(t, stdout, after)
	input = append(input, after...)
	require.NoError(t, stdout.Close())
	waitEnded(e)
	m := e.Metrics()
	e.Close()
	bytes := 1 << 20
	if limit == "4KB" {
		bytes = 4 << 10
	}
	proof, err := lossproof.Check(input, b.series("k", "stdout", bytes))
	require.NoError(t, err, "killed at %d", at)
	require.Equal(t, int64(proof.Bytes), m.DroppedBytes, "killed at %d", at)
	require.Equal(t, int64(proof.Lines), m.DroppedLines, "killed at %d", at)
	require.Equal(t, int64(len(proof.Marks)), m.Marks, "killed at %d", at)
	require.Equal(t, int64(proof.MarkBytes), m.MarkBytes, "killed at %d", at)
	require.Equal(t, int64(len(input)), m.InBytes(), "killed at %d", at)
	require.Equal(t, linesKept(proof, input), m.WrittenLines, "killed at %d", at)
	require.Equal(t, newlines(input), m.InLines(), "killed at %d", at)
	require.Empty(t, b.stateNames())
	require.NoError(t, unix.Unmount(b.boxes, unix.MNT_DETACH), "a mount for each point is too many")
	return calls, killed
}
