package e2e

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/tests/kit"
)

// followBytes is how much the task writes while it is followed, in files of
// followLimit. SLUICE_FOLLOW_MB says more: 1050 are a thousand rotations.
const (
	followLimit   = "1MB"
	followDefault = 60
)

// waiting is a task that begins when its sandbox has the file `go`.
func waiting(script string) []string {
	return []string{"--", "sh", "-c", "until test -e go; do sleep 0.02; done; " + script}
}

// sandboxOfRunning waits for the one sandbox of an agent, and the files in it.
func (n *node) sandboxOfRunning() string {
	n.t.Helper()
	n.until(func() bool {
		n.boxes = n.sandboxes()
		return len(n.boxes) == 1 && exists(filepath.Join(n.boxes[0], "stdout"))
	})
	return n.boxes[0]
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// A task writes as fast as it can, and its log is followed from the first byte on: what
// comes out is what was written, byte for byte, and ends with the task. Every file is
// kept, so that a busy machine can only make it last.
func TestLogsFollowsAFastWriter(t *testing.T) {
	megabytes := int(number(t, "SLUICE_FOLLOW_MB", followDefault))
	for _, options := range []string{"compress", "dateext\ncompress\ncompresscmd zstd", "olddir old\ncreateolddir"} {
		t.Run(options, func(t *testing.T) {
			n := newNode(t, 1, parameter{"max_stdout_size", followLimit},
				parameter{"logrotate_stdout_options", "rotate 20000\n" + options})
			// Nine bytes a line, most of them.
			last := strconv.Itoa(megabytes << 20 / 9)
			n.startAgent(append([]string{"--containers=1"}, waiting("seq 1 "+last)...)...)
			sandbox := n.sandboxOfRunning()
			logs := exec.Command(filepath.Join(n.build, "sluice"), "logs", "--follow", "--state_dir="+n.stateDir, sandbox)
			var said bytes.Buffer
			logs.Stderr = &said
			out, err := logs.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, logs.Start())
			t.Cleanup(func() { n.kill(logs) })
			require.NoError(t, os.WriteFile(filepath.Join(sandbox, "go"), nil, 0o600))
			start := time.Now()
			bytes, end := requireOutputOf(t, out, "seq", "1", last)
			require.NoError(t, logs.Wait(), said.String())
			assert.Empty(t, said.String())
			require.NoError(t, n.agentProcess.Wait())
			report, complaint, err := n.sluice("verify", sandbox)
			require.NoError(t, err, "%s%s", report, complaint)
			rotated := len(anyRotated(sandbox, "stdout"))
			assert.Greater(t, rotated, megabytes/2)
			t.Logf("%d bytes in %d rotated files, %.0f MB/s", bytes, rotated, float64(bytes)/1e6/end.Sub(start).Seconds())
		})
	}
}

// requireOutputOf compares with what a command writes, to the end of both. end is when
// the last bytes came.
func requireOutputOf(t *testing.T, got io.Reader, name string, args ...string) (bytesRead int64, end time.Time) {
	t.Helper()
	cmd := exec.Command(name, args...)
	pipe, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	defer func() { _ = cmd.Wait() }()
	defer pipe.Close()
	want, have := make([]byte, 1<<16), make([]byte, 1<<16)
	expected, actual := bufio.NewReaderSize(pipe, 1<<20), bufio.NewReaderSize(got, 1<<20)
	for {
		n, errWant := io.ReadFull(expected, want)
		m, errHave := io.ReadFull(actual, have)
		if errHave == nil {
			end = time.Now()
		}
		if !bytes.Equal(want[:n], have[:m]) {
			t.Logf("not what was written, from byte %d on", bytesRead)
			kit.Same(t, want[:n], have[:m])
		}
		bytesRead += int64(m)
		if errWant != nil || errHave != nil {
			require.Equal(t, errWant, errHave)
			return bytesRead, end
		}
	}
}

// By container, sandbox or file, while it runs and afterwards.
func TestLogsAsAnOperatorMeetsThem(t *testing.T) {
	n := newNode(t, 1, parameter{"max_stdout_size", "64KB"}, parameter{"logrotate_stdout_options", "rotate 9\ncompress"})
	n.startAgent(append([]string{"--containers=1"}, waiting("seq 1 20000; echo error >&2; until test -e end; do sleep 0.02; done")...)...)
	sandbox := n.sandboxOfRunning()
	container := filepath.Base(sandbox)
	require.NoError(t, os.WriteFile(filepath.Join(sandbox, "go"), nil, 0o600))
	state := "--state_dir=" + n.stateDir
	n.until(func() bool {
		out, _, _ := n.sluice("logs", state, "-n1", container[:8])
		return out == "20000\n"
	})
	whole := string(seq(20000))
	for _, target := range []string{container, sandbox, filepath.Join(sandbox, "stdout")} {
		out, said, err := n.sluice("logs", state, target)
		require.NoError(t, err, said)
		require.Empty(t, said)
		kit.Same(t, whole, out)
	}
	report, said, err := n.sluice("verify", state, container)
	require.NoError(t, err, "%s%s", report, said)
	assert.Contains(t, report, "stdout: whole, 2 files, 108894 bytes, 20000 lines\n")
	n.until(func() bool {
		out, _, _ := n.sluice("logs", state, "--stderr", container)
		return out == "error\n"
	})
	require.NoError(t, os.WriteFile(filepath.Join(sandbox, "end"), nil, 0o600))
	require.NoError(t, n.agentProcess.Wait())
	_, said, err = n.sluice("logs", state, container)
	require.Error(t, err, "its record has gone")
	assert.Contains(t, said, "of one that has ended, or that runs with another logger, give the path of its sandbox")
	out, _, err := n.sluice("logs", state, "--all", "-n", "2", sandbox)
	require.NoError(t, err)
	assert.Equal(t, "stdout 19999\nstdout 20000\nstderr error\n", out)
}

// seq is what `seq 1 last` writes.
func seq(last int) []byte {
	var out []byte
	for i := 1; i <= last; i++ {
		out = append(strconv.AppendInt(out, int64(i), 10), '\n')
	}
	return out
}
