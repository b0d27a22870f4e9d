package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFewLinesStayInOneFile(t *testing.T) {
	a := newAgent(t)
	sandbox := a.sandboxOf("--", "sh", "-c", "echo out; echo err >&2")
	assert.Equal(t, "out\n", read(t, filepath.Join(sandbox, "stdout")))
	assert.Equal(t, "err\n", read(t, filepath.Join(sandbox, "stderr")))
	for _, stream := range []string{"stdout", "stderr"} {
		assert.NoFileExists(t, filepath.Join(sandbox, stream+".1"))
		assert.Equal(t, fmt.Sprintf(`# Written by sluice, for people and the command sluice. The logger never reads it back.
"%s/%s" {
    # default
    rotate 1
    # default
    size 10485760
    # parameter times: when it was written, to 100ms, is in %s.times
}
`, sandbox, stream, stream), read(t, filepath.Join(sandbox, stream+".logrotate.conf")))
	}
	a.requireStateEmpty()
}

func TestNothingWrittenLeavesEmptyFiles(t *testing.T) {
	a := newAgent(t)
	sandbox := a.sandboxOf("--", "true")
	assert.Empty(t, read(t, filepath.Join(sandbox, "stdout")))
	assert.Empty(t, read(t, filepath.Join(sandbox, "stderr")))
	a.requireStateEmpty()
}

// The task of Mesos' own test of its logger: 11 MiB in lines of 1 KiB.
func TestTaskOfMesosOwnTest(t *testing.T) {
	const line, count = 1024, 11264
	a := newAgent(t, parameter{"max_stdout_size", "2MB"}, parameter{"logrotate_stdout_options", "rotate 4"})
	sandbox := a.sandboxOf(writeNumbered(count, line)...)
	files := series(t, sandbox, "stdout")
	require.Len(t, files, 5)
	for _, file := range files[:4] {
		info, err := os.Stat(file)
		require.NoError(t, err)
		assert.GreaterOrEqual(t, info.Size(), int64(2040<<10), file)
	}
	info, err := os.Stat(files[4])
	require.NoError(t, err)
	assert.InDelta(t, 1<<20, info.Size(), 50<<10)
	requireWhole(t, sandbox, "stdout", 2<<20, numbered(count, line), false)
	a.requireStateEmpty()
}

func TestAbsentRotateKeepsOneFile(t *testing.T) {
	a := newAgent(t, parameter{"max_stdout_size", "64KB"})
	sandbox := a.sandboxOf(writeNumbered(10000, 50)...)
	require.Len(t, series(t, sandbox, "stdout"), 2)
	requireWhole(t, sandbox, "stdout", 64<<10, numbered(10000, 50), false)
}

func TestRotateZeroKeepsNone(t *testing.T) {
	a := newAgent(t, parameter{"max_stdout_size", "64KB"}, parameter{"logrotate_stdout_options", "rotate 0"})
	sandbox := a.sandboxOf(writeNumbered(10000, 50)...)
	require.Len(t, series(t, sandbox, "stdout"), 1)
	requireWhole(t, sandbox, "stdout", 64<<10, numbered(10000, 50), false)
}

func TestLineLongerThanTheLimitIsSplit(t *testing.T) {
	a := newAgent(t, parameter{"max_stdout_size", "4KB"}, parameter{"logrotate_stdout_options", "rotate 100"})
	sandbox := a.sandboxOf("--", "sh", "-c", "head --bytes=100000 /dev/zero | tr '\\0' x; echo; echo end")
	joined := ""
	for _, file := range series(t, sandbox, "stdout") {
		content := read(t, file)
		require.LessOrEqual(t, len(content), 4<<10)
		joined += content
	}
	require.Len(t, joined, 100000+len("\nend\n"))
	assert.Equal(t, "xxx\nend\n", joined[len(joined)-8:])
}

func TestBothStreamsKeepTheirOwnLimits(t *testing.T) {
	a := newAgent(t)
	sandbox := a.sandboxOf(
		env("MAX_STDOUT_SIZE", "100KB"), env("LOGROTATE_STDOUT_OPTIONS", "rotate 9"),
		env("max_stderr_size", "64kb"), env("Logrotate_Stderr_Options", "rotate 2"),
		"--", "sh", "-c", "seq --format="+seqFormat(40)+" 1 10000 | tee /dev/stderr",
	)
	requireWhole(t, sandbox, "stdout", 100<<10, numbered(10000, 40), true)
	requireWhole(t, sandbox, "stderr", 64<<10, numbered(10000, 40), false)
	require.Len(t, series(t, sandbox, "stderr"), 3)
	assert.Equal(t, fmt.Sprintf(`# Written by sluice, for people and the command sluice. The logger never reads it back.
"%s/stderr" {
    # task variable CONTAINER_LOGGER_Logrotate_Stderr_Options, line 1
    rotate 2
    # task variable CONTAINER_LOGGER_max_stderr_size
    size 65536
    # parameter times: when it was written, to 100ms, is in stderr.times
}
`, sandbox), read(t, filepath.Join(sandbox, "stderr.logrotate.conf")))
}

func TestFilesBelongToTheTasksUser(t *testing.T) {
	needRoot(t)
	a := newAgent(t, parameter{"max_stdout_size", "8KB"}, parameter{"logrotate_stdout_options", "rotate 3"})
	// Opening /dev/stdout anew is what a pipe of root's does not let this task do.
	sandbox := a.sandboxOf("--user=nobody", "--", "sh", "-c",
		"seq 1 9000; id --user --name > /dev/stdout")
	files := series(t, sandbox, "stdout")
	require.Len(t, files, 4)
	for _, file := range append(files, filepath.Join(sandbox, "stderr"), filepath.Join(sandbox, "stdout.logrotate.conf")) {
		info, err := os.Stat(file)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o644), info.Mode(), file)
		assert.Equal(t, uint32(65534), info.Sys().(*syscall.Stat_t).Uid, file)
	}
	live := read(t, files[3])
	assert.Equal(t, "9000\nnobody\n", live[len(live)-12:])
}

// A task may truncate its own log: what comes after begins at the start, with no
// hole before it.
func TestTruncatedFileGetsNoHole(t *testing.T) {
	a := newAgent(t)
	sandbox := a.sandboxOf("--", "sh", "-c", `
		echo before
		until grep --quiet before stdout; do :; done
		: > stdout
		echo after
	`)
	assert.Equal(t, "after\n", read(t, filepath.Join(sandbox, "stdout")))
}

func TestPrefixOfTheOperator(t *testing.T) {
	a := newAgent(t, parameter{"environment_variable_prefix", "LOGS_"})
	sandbox := a.sandboxOf("--task_env=CONTAINER_LOGGER_JUNK=1", "--task_env=LOGS_MAX_STDOUT_SIZE=64KB",
		"--task_env=LOGS_LOGROTATE_STDOUT_OPTIONS=rotate 100", "--", "seq", "--format="+seqFormat(20), "1", "20000")
	requireWhole(t, sandbox, "stdout", 64<<10, numbered(20000, 20), true)
}
