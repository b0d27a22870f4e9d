// Package budget shows what the budget of a node does: containers with very different
// rates write ten times what their file system holds, and it is never full.
//
// By itself the test is a small one. With SLUICE_BUDGET=FILE it is the one that
// docs/limits.md shows, and its figures go into that file, for the plot.
package budget

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// show is what is shown: containers, a file system and what is written into it.
type show struct {
	Containers int
	DiskBytes  int64
	// MostBytes is node_max_bytes, LimitBytes max_stdout_size, Rotate what a policy keeps.
	MostBytes, LimitBytes int64
	Rotate                int
	// WrittenBytes of all containers together, in so many rounds; the first one writes
	// 10^Decades times what the last one does.
	WrittenBytes int64
	Rounds       int
	Decades      float64
}

const mebibyte = 1 << 20

var (
	small = show{Containers: 12, DiskBytes: 32 * mebibyte, MostBytes: 16 * mebibyte, LimitBytes: 128 << 10, Rotate: 99, WrittenBytes: 200 * mebibyte, Rounds: 20, Decades: 3}
	great = show{Containers: 200, DiskBytes: 500 * mebibyte, MostBytes: 400 * mebibyte, LimitBytes: 256 << 10, Rotate: 99, WrittenBytes: 5000 * mebibyte, Rounds: 100, Decades: 4}
)

// Figures is what was seen.
type Figures struct {
	show
	// LeastFreeBytes of the file system, looked at all the time.
	LeastFreeBytes int64
	Looks          int
	EvictedFiles   float64
	Kept           []Container
}

// Container is what became of the output of one. LastBytes of what is kept are in the
// live file, which counts no more when the container has ended.
type Container struct{ WrittenBytes, KeptBytes, LastBytes int64 }

func TestBudget(t *testing.T) {
	shown, into := small, os.Getenv("SLUICE_BUDGET")
	if into != "" {
		shown = great
	}
	disk := mountDisk(t, shown.DiskBytes)
	figures := Figures{show: shown, LeastFreeBytes: shown.DiskBytes}
	looks := watch(t, disk)
	report := shown.run(t, disk, shown.task(disk))
	figures.LeastFreeBytes, figures.Looks = looks()

	assert.Zero(t, report.Metrics["sluice/write_errors"], "nobody sees a full disk")
	assert.Zero(t, report.Metrics["sluice/bytes_dropped"])
	assert.Positive(t, figures.LeastFreeBytes)
	figures.EvictedFiles = report.Metrics["sluice/files_evicted"]
	assert.Positive(t, figures.EvictedFiles)
	for _, container := range report.Containers {
		figures.Kept = append(figures.Kept, shown.examine(t, container.Sandbox))
	}
	figures.checkFairness(t)
	t.Logf("%d looks, at least %.1f MiB free", figures.Looks, float64(figures.LeastFreeBytes)/mebibyte)
	if into != "" {
		text, err := json.MarshalIndent(figures, "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(into, append(text, '\n'), 0o644))
	}
}

// TestBudgetOfFastWriters lets two containers write as fast as they can, several times
// what the disk holds: what is written until the deletions are done has its room.
func TestBudgetOfFastWriters(t *testing.T) {
	const each = 400 * mebibyte
	fast := show{Containers: 2, DiskBytes: 96 * mebibyte, MostBytes: 64 * mebibyte, LimitBytes: 4 * mebibyte, Rotate: 14}
	disk := mountDisk(t, fast.DiskBytes)
	looks := watch(t, disk)
	began := time.Now()
	report := fast.run(t, disk, fmt.Sprintf("yes 'a line of the fastest writer that there is in a shell' | head -c %d", each))
	took := time.Since(began)
	free, _ := looks()
	assert.Zero(t, report.Metrics["sluice/write_errors"], "nobody sees a full disk")
	assert.InDelta(t, 2*each, report.Metrics["sluice/bytes_written"], 0)
	assert.Positive(t, free)
	t.Logf("%.2f GB/s; at least %.1f of %d MiB free, of which the budget leaves %d", 2*each/took.Seconds()/1e9,
		float64(free)/mebibyte, fast.DiskBytes/mebibyte, (fast.DiskBytes-fast.MostBytes)/mebibyte)
}

// lines tells how many numbers a container writes in each round.
func (s show) lines(number int) int {
	const bytesPerLine = 8
	ratio := math.Pow(10, -s.Decades/float64(s.Containers-1))
	first := float64(s.WrittenBytes) * (1 - ratio) / (1 - math.Pow(ratio, float64(s.Containers)))
	return max(1, int(first*math.Pow(ratio, float64(number)))/bytesPerLine/s.Rounds)
}

// task is the command of all containers: which one it is tells the path of its sandbox.
// It writes the numbers from one on, in rounds, and ends when all others have written
// theirs: what is left in the live file of a container that has ended does not count,
// and those that go on would get its room.
func (s show) task(disk string) string {
	var perRound []string
	for i := range s.Containers {
		perRound = append(perRound, strconv.Itoa(s.lines(i)))
	}
	return fmt.Sprintf(`name=${PWD##*/executors/task-}; set -- %[1]s; shift ${name%%%%/*}
n=$1; from=1; round=0
while [ $round -lt %[2]d ]; do
  seq $from $((from + n - 1)) 2>&1 || exit 1
  from=$((from + n)); round=$((round + 1))
  sleep 0.05
done
: > %[3]s/written.${name%%%%/*}
until set -- %[3]s/written.* && [ $# -ge %[4]d ]; do sleep 0.05; done`,
		strings.Join(perRound, " "), s.Rounds, disk, s.Containers)
}

type report struct {
	Containers []struct {
		Sandbox string `json:"sandbox"`
	} `json:"containers"`
	Metrics map[string]float64 `json:"metrics"`
}

func (s show) run(t *testing.T, disk, task string) (got report) {
	build := os.Getenv("SLUICE_BUILD")
	if build == "" {
		build = "../../../build"
	}
	build, err := filepath.Abs(build)
	require.NoError(t, err)
	if _, err := os.Stat(filepath.Join(build, "sluice-harness")); err != nil {
		t.Skipf("%v: run make build first", err)
	}
	modules, err := json.Marshal(map[string]any{"libraries": []any{map[string]any{
		"file": filepath.Join(build, "libsluice_container_logger.so"),
		"modules": []any{map[string]any{"name": "sluice_ContainerLogger", "parameters": []any{
			map[string]string{"key": "state_dir", "value": filepath.Join(t.TempDir(), "state")},
			map[string]string{"key": "prepare_timeout", "value": "10mins"}, // the disk may be busy
			map[string]string{"key": "node_max_bytes", "value": fmt.Sprintf("%dB", s.MostBytes)},
			map[string]string{"key": "max_stdout_size", "value": fmt.Sprintf("%dB", s.LimitBytes)},
			map[string]string{"key": "logrotate_stdout_options", "value": fmt.Sprint("rotate ", s.Rotate)},
			map[string]string{"key": "stderr", "value": "discard"},
		}}},
	}}})
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), filepath.Join(build, "sluice-harness"), "--modules="+string(modules),
		"--container_logger=sluice_ContainerLogger", "--work_dir="+filepath.Join(disk, "work"), "--json", "--metrics",
		"--containers="+strconv.Itoa(s.Containers), "--", "/bin/sh", "-c", task)
	cmd.Stderr = &tail{t: t}
	out, err := cmd.Output()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(out, &got))
	require.Len(t, got.Containers, s.Containers)
	return got
}

// tail shows warnings of the logger with the test.
type tail struct{ t *testing.T }

func (w *tail) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		if strings.HasPrefix(line, "W") || strings.HasPrefix(line, "E") {
			w.t.Log(strings.TrimSpace(line))
		}
	}
	return len(p), nil
}

// checkFairness says that there is one level: who wrote less has it all, and who gave has no
// more than a file less than who has most, but for what became free when others had ended.
func (f *Figures) checkFairness(t *testing.T) {
	var total, most, freed int64
	least, cut := int64(math.MaxInt64), 0
	for _, c := range f.Kept {
		total += c.KeptBytes - c.LastBytes
		most = max(most, c.KeptBytes)
		freed += c.LastBytes // and its time index
		if c.KeptBytes < c.WrittenBytes {
			cut++
			least = min(least, c.KeptBytes)
		}
	}
	assert.LessOrEqual(t, total, f.MostBytes)
	assert.Greater(t, total, f.MostBytes*3/4)
	assert.Positive(t, cut)
	assert.Less(t, cut, f.Containers, "who wrote little lost nothing")
	for i, c := range f.Kept {
		if c.KeptBytes < c.WrittenBytes {
			// A container gives whole files, and its live one may just have begun. What an
			// ended one had in its live file counts no more: those that still write have it.
			assert.GreaterOrEqual(t, c.KeptBytes, most-3*f.LimitBytes-(freed-c.LastBytes), "container %d", i)
		}
	}
	t.Logf("of %d containers %d have all they wrote; the others have %.1f to %.1f MiB", f.Containers, f.Containers-cut,
		float64(least)/mebibyte, float64(most)/mebibyte)
}
