package engine

import (
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/settings"
)

// A task that chooses the smallest limit and many files makes each kilobyte of its output cost
// a rotation. It is held back; the process spends little, and nothing is lost.
func TestACostlyPolicyCostsTheHostLittle(t *testing.T) {
	b := newTestbed(t)
	e := b.open()
	defer e.Close()
	stdout, stderr := b.prepare(e, "costly",
		settings.Variable{Name: "CONTAINER_LOGGER_MAX_STDOUT_SIZE", Value: "64KB"},
		settings.Variable{Name: "CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS", Value: "rotate 900"})
	require.NoError(t, stderr.Close())
	before, began := processCPU(t), time.Now()
	task := exec.Command("sh", "-c", "exec timeout 4 yes 'a line of the task'")
	task.Stdout = stdout
	require.NoError(t, task.Start())
	require.NoError(t, stdout.Close())
	_ = task.Wait() // timeout's status
	spent, took := processCPU(t)-before, time.Since(began)
	t.Logf("%v of processor time in %v, %d rotations", spent, took, e.Metrics().Rotations)
	assert.Less(t, spent.Seconds(), took.Seconds()/4+0.6)
	waitEnded(e)
	assert.Zero(t, e.Metrics().DroppedBytes)
}

// processCPU is what this process has used, its children left out.
func processCPU(t *testing.T) time.Duration {
	t.Helper()
	var usage unix.Rusage
	require.NoError(t, unix.Getrusage(unix.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
