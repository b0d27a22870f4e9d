package engine

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sluice/core/settings"
	"sluice/tests/kit"
	"sluice/tests/kit/timestest"
)

// Environment of a process that serves a state directory until it has moved so many
// bytes and compressed what is owed.
const (
	serveEnv   = "SLUICE_TEST_SERVE"
	bytesEnv   = "SLUICE_TEST_BYTES"
	sandboxEnv = "SLUICE_TEST_SANDBOX"
)

// init makes this binary that process where it is started as one.
func init() {
	dir, asked := os.LookupEnv(serveEnv)
	if !asked {
		return
	}
	if err := serveUntilMoved(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serveUntilMoved(stateDir string) error {
	wanted, err := strconv.ParseInt(os.Getenv(bytesEnv), 10, 64)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(stateDir, "settings"))
	if err != nil {
		return err
	}
	given, err := settings.Decode(text)
	if err != nil {
		return err
	}
	module, _, err := settings.ParseModule(given)
	if err != nil {
		return err
	}
	ballast, full := os.LookupEnv(ballastEnv)
	_, faulty := os.LookupEnv(faultsEnv)
	if full || faulty {
		retryAfter = 20 * time.Millisecond
	}
	e, err := Open(module, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer e.Close()
	if full {
		return serveFullDisk(e, ballast, wanted)
	}
	if _, ended := os.LookupEnv(endedEnv); ended {
		waitEnded(e)
	}
	for e.Metrics().InBytes() < wanted || e.Metrics().Dropping > 0 || !faulty && !tidy(os.Getenv(sandboxEnv)) {
		time.Sleep(time.Millisecond)
	}
	return nil
}

// tidy says that no rotation and no compression is under way in a sandbox.
func tidy(sandbox string) bool {
	for _, dir := range []string{sandbox, filepath.Join(sandbox, "old")} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return false
		}
		for _, entry := range entries {
			if strings.HasPrefix(entry.Name(), ".std") {
				return false
			}
		}
	}
	return true
}

// killedPolicies are those whose rotations are killed; the last two forget.
var killedPolicies = []struct{ name, options string }{
	{"numbered", "rotate 100"},
	{"dateext", "rotate 100\ndateext"},
	{"compress", "rotate 100\ncompress"},
	{"delaycompress", "rotate 100\ncompress\ndelaycompress"},
	{"olddir", "rotate 100\nolddir old\ncreateolddir 0755"},
	{"dateext, compress, olddir", "rotate 100\ndateext\ncompress\nolddir old\ncreateolddir 0755"},
	{"rotate 2", "rotate 2"},
	{"rotate 0", "rotate 0"},
}

const killedLimitBytes = 4 << 10

// TestKillAfterEverySystemCall kills the owner of a stream after each system call that
// changes anything while it recovers, moves, rotates and compresses. The next owner
// goes on, and every byte is there once.
func TestKillAfterEverySystemCall(t *testing.T) {
	for _, policy := range killedPolicies {
		t.Run(policy.name, func(t *testing.T) {
			t.Parallel()
			calls, killed := killOnce(t, policy.options, 0, owners{})
			require.False(t, killed)
			require.True(t, slices.ContainsFunc(calls, func(call string) bool {
				return strings.HasPrefix(call, "ftruncate ")
			}), "no line was carried over: %q", calls)
			points := 0
			// Ticks differ from run to run: there may be a few calls more or less.
			for at := 1; killed || at == 1; at++ {
				_, killed = killOnce(t, policy.options, at, owners{})
				points = at
			}
			t.Logf("killed at %d points", points-1)
		})
	}
}

// killOnce lets one container write, kills its owner at a point, and compares.
func killOnce(t *testing.T, options string, at int, by owners) (calls []string, killed bool) {
	t.Helper()
	b := newTestbed(t, "max_stdout_size", "4KB", "logrotate_stdout_options", options)
	if options == "rotate 0" {
		b.stateInMemory()
	}
	box, began := b.sandbox("k"), time.Now()
	e := b.open()
	stdout, stderr := b.prepare(e, "k")
	require.NoError(t, stderr.Close())
	before, during, after := killedText()
	text := slices.Concat(before, during, after)
	write := func(part []byte) {
		_, err := stdout.Write(part)
		require.NoError(t, err)
	}
	write(before)
	waitFor(func() bool { return e.Metrics().InBytes() == int64(len(before)) && tidy(box) })
	e.Close()

	write(during)
	environment := []string{
		serveEnv + "=" + b.state, sandboxEnv + "=" + box, bytesEnv + "=" + strconv.Itoa(len(before)+len(during)),
	}
	calls, killed = by.step(t, environment, filepath.Dir(b.boxes), at)
	by.between(t, environment)

	e = b.open()
	write(after)
	require.NoError(t, stdout.Close())
	waitEnded(e)
	m := e.Metrics()
	e.Close()
	got := killedSeries(t, box)
	want := text
	if kept, err := strconv.Atoi(strings.TrimPrefix(options, "rotate ")); err == nil && kept < 100 {
		require.Greater(t, len(got), kept*(killedLimitBytes-killedLineBytes))
		want = text[len(text)-min(len(text), len(got)):]
	}
	sameBytes(t, want, got)
	timestest.Require(t, timestest.Log{
		Sandbox: box, Live: "stdout", Bytes: int64(len(text)), From: int64(len(text) - len(got)), Began: began, OldDir: oldDirOf(options),
	})
	require.Equal(t, int64(len(text)), m.WrittenBytes, "the account of the stream")
	require.Equal(t, newlines(text), m.WrittenLines, "killed at %d", at)
	require.True(t, m.LinesKnown)
	require.True(t, tidy(box))
	require.Empty(t, b.stateNames())
	return calls, killed
}

// oldDirOf is the directory of the rotated files under options.
func oldDirOf(options string) string {
	if strings.Contains(options, "olddir") {
		return "old"
	}
	return ""
}

// stateInMemory moves the state directory to a tmpfs, where agents have it: then the
// inode of a live file that a rotation removes is not taken by a record, but free for
// the next live file.
func (b *testbed) stateInMemory() {
	b.t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "sluice-test-")
	require.NoError(b.t, err)
	b.t.Cleanup(func() { _ = os.RemoveAll(dir) })
	given := slices.Clone(b.module.Given)
	b.state = filepath.Join(dir, "state")
	given[slices.IndexFunc(given, func(p settings.Parameter) bool { return p.Key == "state_dir" })].Value = b.state
	b.module, _, err = settings.ParseModule(given)
	require.NoError(b.t, err)
}

// killedLineBytes is the length of a line, longLineBytes of the one that has to be
// carried over.
const (
	killedLineBytes = 100
	longLineBytes   = 900
)

// killedText is what the container writes, in three parts. The first fills two files
// and ends, at the end of the third, within a long line: the next file gets it whole.
func killedText() (before, during, after []byte) {
	lines := func(from, to int) (all []byte) {
		for i := from; i < to; i++ {
			all = append(all, fmt.Sprintf("%0*d\n", killedLineBytes-1, i)...)
		}
		return all
	}
	long := append(bytes.Repeat([]byte("l"), longLineBytes-1), '\n')
	before = append(lines(0, 117), long[:300]...)
	during = append(slices.Clone(long[300:]), lines(117, 207)...)
	return before, during, lines(207, 280)
}

// killedSeries reads a series of any of the policies, the oldest file first, and
// checks limits and line ends.
func killedSeries(t *testing.T, box string) []byte {
	t.Helper()
	return kit.Joined(t, killedLimitBytes, box, "stdout", filepath.Join(box, "old"))
}
