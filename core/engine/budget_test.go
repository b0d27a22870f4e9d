package engine

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/policyfile"
	"sluice/core/schedule"
	"sluice/core/worker"
)

// usage is what the files of the series of a container take.
func (b *testbed) usage(id string) (total int64, rotated int) {
	b.t.Helper()
	for _, name := range []string{"stdout", "stderr"} {
		paths, err := filepath.Glob(filepath.Join(b.sandbox(id), name+"*"))
		require.NoError(b.t, err)
		for _, path := range paths {
			if strings.HasSuffix(path, policyfile.Suffix) {
				continue
			}
			info, err := os.Stat(path)
			if os.IsNotExist(err) {
				continue // rotated or deleted meanwhile
			}
			require.NoError(b.t, err)
			total += info.Size()
			if filepath.Base(path) != name {
				rotated++
			}
		}
	}
	return total, rotated
}

// budgetBed is a testbed with small files and a budget.
func budgetBed(t *testing.T, most string, more ...string) *testbed {
	return newTestbed(t, append([]string{
		"times", "false", "node_max_bytes", most, "max_stdout_size", "16KB", "max_stderr_size", "4KB",
		"logrotate_stdout_options", "rotate -1",
	}, more...)...)
}

func TestBudgetIsSharedFairly(t *testing.T) {
	b := budgetBed(t, "1MB")
	e := b.open()
	defer e.Close()
	outputs := map[string][]byte{
		"tiny": numbered(10, 100), "small": numbered(1000, 100), "great": numbered(9000, 100), "greater": numbered(40000, 100),
	}
	var files []*os.File
	written := int64(0)
	for id, output := range outputs {
		stdout, stderr := b.prepare(e, id)
		_, err := stdout.Write(output)
		require.NoError(t, err)
		files = append(files, stdout, stderr)
		written += int64(len(output))
	}
	waitFor(func() bool { return e.Metrics().WrittenBytes == written })
	waitFor(func() bool { return e.budget.TakenBytes() <= 1<<20 && e.budget.ReservedBytes() == 0 })

	var total int64
	taken := map[string]int64{}
	for id, output := range outputs {
		kept := b.series(id, "stdout", 16<<10)
		assert.True(t, bytes.HasSuffix(output, kept), "%s: what is left is its end", id)
		taken[id], _ = b.usage(id)
		assert.EqualValues(t, len(kept), taken[id])
		total += taken[id]
	}
	assert.LessOrEqual(t, total, int64(1<<20))
	assert.Greater(t, total, int64(1<<20)-64<<10)
	assert.EqualValues(t, len(outputs["tiny"]), taken["tiny"], "who takes little loses nothing")
	assert.EqualValues(t, len(outputs["small"]), taken["small"], "who takes little loses nothing")
	assert.InDelta(t, taken["great"], taken["greater"], 48<<10, "who takes much has the same")
	assert.Equal(t, total, e.budget.TakenBytes())

	m := e.Metrics()
	assert.Equal(t, written-total, m.BytesEvicted)
	assert.Equal(t, m.WrittenBytes, m.InBytes(), "what is deleted was written")
	assert.Regexp(t, `\n# parameter node_max_bytes: the budget of the node has cost this stream its oldest rotated files, `+
		`\d+ so far with \d+ bytes, the last at \S+Z\.\n$`, b.read("greater", "stdout.logrotate.conf"))
	assert.NotContains(t, b.read("small", "stdout.logrotate.conf"), "budget")
	assert.Equal(t, 1, strings.Count(b.log.String(), "rotated files are deleted"), "the log is not flooded")
	for _, f := range files {
		f.Close()
	}
	waitEnded(e)
	rotated := int64(0)
	for id := range outputs {
		rotated += taken[id] - int64(len(b.read(id, "stdout")))
	}
	assert.Equal(t, rotated, e.budget.TakenBytes(), "the last files count no more")
}

func TestBudgetOutlivesItsOwner(t *testing.T) {
	b := budgetBed(t, "256KB")
	e := b.open()
	stdout, stderr := b.prepare(e, "c1")
	output := numbered(10000, 100)
	_, err := stdout.Write(output)
	require.NoError(t, err)
	waitFor(func() bool {
		return e.Metrics().WrittenBytes == int64(len(output)) && e.Metrics().BytesEvicted > 700000
	})
	waitFor(func() bool { return e.budget.TakenBytes() <= 256<<10 && e.budget.ReservedBytes() == 0 })
	total := e.Metrics().BytesEvicted
	var explained string
	waitFor(func() bool {
		explained = b.read("c1", "stdout.logrotate.conf")
		return strings.Contains(explained, fmt.Sprintf(" with %d bytes,", total))
	})
	ids, err := e.state.Streams()
	require.NoError(t, err)
	waitFor(func() bool { // saved on the next visit
		for _, id := range ids {
			record, err := e.state.Load(id)
			require.NoError(t, err)
			if record.GetEvictedBytes() == total {
				return true
			}
		}
		return false
	})
	e.Close()

	e = b.open()
	defer e.Close()
	kept, _ := b.usage("c1")
	waitFor(func() bool { return e.budget.TakenBytes() == kept })
	assert.Equal(t, explained, b.read("c1", "stdout.logrotate.conf"))
	stdout.Close()
	stderr.Close()
	waitEnded(e)
}

// resting tells whether every stream waits for the kernel to tell that something comes.
func resting(e *Engine) bool {
	return e.reactor.Loop.Count(schedule.InHand)+e.reactor.Loop.Count(schedule.Waiting)+e.reactor.Loop.Count(schedule.Parked) == 0
}

// TestBudgetLeavesWhatIsNotItsOwn puts files beside a series that is trimmed to its
// live file.
func TestBudgetLeavesWhatIsNotItsOwn(t *testing.T) {
	b := newTestbed(t, "times", "false", "node_max_bytes", "60KB", "logrotate_stdout_options", "rotate 2\ncompress", "max_stdout_size", "16KB", "stderr", "discard")
	b.module.NodeMaxBytes = 1 // less than anybody can ask for
	foreign := []string{"stdout.10.gz", "stdout.1.bak", "stdout.old", "stdoutx.1.gz", "stderr.1", "data"}
	box := b.sandbox("c1")
	for _, name := range foreign {
		require.NoError(t, os.WriteFile(filepath.Join(box, name), bytes.Repeat([]byte("x"), 50000), 0o644))
	}
	require.NoError(t, os.Mkdir(filepath.Join(box, "stdout.2.gz"), 0o755))
	e := b.open()
	defer e.Close()
	stdout, stderr := b.prepare(e, "c1")
	for i := range 20 {
		_, err := stdout.Write(numbered(1000, 100))
		require.NoError(t, err, i)
	}
	_, err := stdout.WriteString("last\n")
	require.NoError(t, err)
	stdout.Close()
	stderr.Close()
	waitEnded(e)
	for _, name := range foreign {
		data, err := os.ReadFile(filepath.Join(box, name))
		require.NoError(t, err)
		assert.Len(t, data, 50000, name)
	}
	assert.True(t, strings.HasSuffix(b.read("c1", "stdout"), "last\n"))
}

// TestAnExtendedLiveFileCostsNobodyAnything: a task extends its live file at no cost.
func TestAnExtendedLiveFileCostsNobodyAnything(t *testing.T) {
	b := budgetBed(t, "1MB")
	e := b.open()
	defer e.Close()
	stdout, stderr := b.prepare(e, "victim")
	_, err := stdout.Write(numbered(2000, 100))
	require.NoError(t, err)
	attackerOut, attackerErr := b.prepare(e, "attacker")
	require.NoError(t, os.Truncate(filepath.Join(b.sandbox("attacker"), "stdout"), 1<<40))
	_, err = attackerOut.Write(numbered(10, 100))
	require.NoError(t, err)
	rotated := filepath.Join(b.sandbox("attacker"), "stdout.1")
	waitFor(func() bool { _, err := os.Stat(rotated); return err == nil })
	require.NoError(t, os.Truncate(rotated, 1<<41))
	_, err = attackerOut.Write(numbered(1000, 100))
	require.NoError(t, err)
	for _, f := range []*os.File{stdout, stderr, attackerOut, attackerErr} {
		f.Close()
	}
	waitEnded(e)
	sameBytes(t, numbered(2000, 100), b.series("victim", "stdout", 16<<10))
	assert.Zero(t, e.Metrics().FilesEvicted)
}

// smallDisk mounts a file system of so many bytes.
func smallDisk(t *testing.T, sizeBytes int) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("missing privilege: only root can mount a file system")
	}
	path := t.TempDir()
	if err := unix.Mount("none", path, "tmpfs", 0, fmt.Sprintf("size=%d", sizeBytes)); err != nil {
		t.Skipf("missing privilege: mount: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, unix.Unmount(path, unix.MNT_DETACH)) })
	return path
}

func freeOf(t *testing.T, path string) int64 {
	t.Helper()
	var st unix.Statfs_t
	require.NoError(t, unix.Statfs(path, &st))
	return int64(st.Bavail) * st.Bsize
}

// TestMinFree lets a neighbour fill the disk in steps.
func TestMinFree(t *testing.T) {
	for _, least := range []string{"2MB", "25%"} {
		t.Run(least, func(t *testing.T) {
			b := newTestbed(t, "times", "false", "node_min_free", least, "max_stdout_size", "64KB", "logrotate_stdout_options", "rotate -1")
			b.boxes = smallDisk(t, 8<<20)
			e := b.open()
			defer e.Close()
			stdout, stderr := b.prepare(e, "c1")
			output := numbered(50000, 100)
			_, err := stdout.Write(output)
			require.NoError(t, err)
			waitFor(func() bool { return e.Metrics().WrittenBytes == int64(len(output)) })
			written := len(output)
			for _, neighbour := range []int{1 << 20, 3 << 20, 4 << 20} {
				require.NoError(t, os.WriteFile(filepath.Join(b.boxes, "neighbour"), make([]byte, neighbour), 0o600))
				waitFor(func() bool {
					_, err := stdout.WriteString("line\n")
					require.NoError(t, err)
					written += len("line\n")
					waitFor(func() bool { return e.Metrics().WrittenBytes == int64(written) })
					return freeOf(t, b.boxes) >= 2<<20
				})
			}
			assert.Equal(t, 0, int(e.Metrics().DroppedBytes))
			assert.Contains(t, b.read("c1", "stdout.logrotate.conf"), "# parameter node_min_free: the budget of the node")
			stdout.Close()
			stderr.Close()
			waitEnded(e)
		})
	}
}

// TestAHungDiskDoesNotStopTheBudget occupies every thread that one file system may
// have while its container is to give files.
func TestAHungDiskDoesNotStopTheBudget(t *testing.T) {
	b := budgetBed(t, "512KB")
	e := b.open()
	defer e.Close()
	disk := smallDisk(t, 8<<20)
	ordinary := b.boxes
	b.boxes = disk
	hungOut, hungErr := b.prepare(e, "hung")
	_, err := hungOut.Write(numbered(4000, 100))
	require.NoError(t, err)
	waitFor(func() bool { return e.Metrics().WrittenBytes == 400000 })

	var st unix.Stat_t
	require.NoError(t, unix.Stat(disk, &st))
	self, err := worker.Self()
	require.NoError(t, err)
	// Those of one file system, one more for another owner, one for urgent work, and those
	// that are lent.
	threads := min(worker.PerDevice, runtime.NumCPU()) + 2 + worker.Lent
	hang, hangs := make(chan struct{}), make(chan struct{}, threads)
	for range threads {
		e.reactor.Workers.Submit(&worker.Task{As: self, Device: st.Dev, Urgent: true, Run: func(*worker.Thread, error) {
			hangs <- struct{}{}
			<-hang
		}})
	}
	for range threads {
		<-hangs
	}

	b.boxes = ordinary
	stdout, stderr := b.prepare(e, "well")
	var written int64 = 400000
	// The hung container takes most, so it is asked first; then the other one gives, but not
	// for it: it keeps what its share is.
	const share = 256 << 10
	least := int64(share)
	for written < 4<<20 {
		_, err := stdout.Write(numbered(100, 100))
		require.NoError(t, err)
		written += 10000
		waitFor(func() bool { return e.Metrics().WrittenBytes == written })
		taken, _ := b.usage("well")
		if written > 2<<20 {
			least = min(least, taken)
		}
	}
	assert.Greater(t, least, int64(share-2*16<<10))
	// Deletions take as long as they do; in the end no more is kept than the share.
	waitFor(func() bool {
		_, err := stdout.Write([]byte("line\n"))
		require.NoError(t, err)
		taken, _ := b.usage("well")
		return taken <= share
	})
	usageOfHung := func() int64 {
		b.boxes = disk
		defer func() { b.boxes = ordinary }()
		taken, _ := b.usage("hung")
		return taken
	}
	assert.EqualValues(t, 400000, usageOfHung())
	close(hang)
	waitFor(func() bool {
		_, err := stdout.Write([]byte("line\n"))
		require.NoError(t, err)
		return e.budget.TakenBytes() <= 512<<10
	})
	assert.Greater(t, usageOfHung(), int64(share-2*16<<10), "and neither does it give for the other")
	for _, f := range []*os.File{hungOut, hungErr, stdout, stderr} {
		f.Close()
	}
	waitEnded(e)
}
