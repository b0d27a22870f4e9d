package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/tests/kit"
	"sluice/tests/lossproof"
)

// Full disks: rounds of filling and freeing by a neighbour, under load.
const (
	defaultFullRounds = 4
	fullContainers    = 3
	fullLimitBytes    = 256 << 10
)

// smallDisks are file systems of a few megabytes, each with a function that fills it
// and gives one that makes room again.
var smallDisks = []struct {
	name   string
	make   func(t *testing.T, megabytes int64) (at string, fill func() (free func()))
	reason string
}{
	{"tmpfs", smallTmpfs, "no space left on device"},
	{"ext4", func(t *testing.T, megabytes int64) (string, func() func()) {
		at := smallImage(t, megabytes<<20, "mkfs.ext4", "-q", "-m", "0")
		return at, func() func() { return fillUp(t, at) }
	}, "no space left on device"},
	{"btrfs with a quota", smallQuota, "disk quota exceeded"},
}

func smallTmpfs(t *testing.T, megabytes int64) (string, func() func()) {
	at := t.TempDir()
	if err := unix.Mount("sluice-e2e", at, "tmpfs", 0, fmt.Sprintf("mode=0755,size=%dm", megabytes)); err != nil {
		t.Skipf("missing privilege: mounting a tmpfs needs CAP_SYS_ADMIN: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(at, unix.MNT_DETACH) })
	return at, func() func() { return fillUp(t, at) }
}

// smallImage makes a file system on an image and mounts it.
func smallImage(t *testing.T, size int64, mkfs ...string) (at string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "sluice-disk-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	image, at := filepath.Join(dir, "image"), filepath.Join(dir, "mounted")
	require.NoError(t, os.WriteFile(image, nil, 0o600))
	require.NoError(t, os.Truncate(image, size))
	require.NoError(t, os.Mkdir(at, 0o755))
	if out, err := exec.Command(mkfs[0], append(mkfs[1:], image)...).CombinedOutput(); err != nil {
		t.Skipf("missing program: %s: %v %s", mkfs[0], err, out)
	}
	if out, err := exec.Command("mount", "-o", "loop", image, at).CombinedOutput(); err != nil {
		t.Skipf("missing privilege or file system: mounting an image of %s: %s", mkfs[0], out)
	}
	t.Cleanup(func() {
		if exec.Command("umount", at).Run() != nil {
			_ = exec.Command("umount", "--lazy", at).Run()
		}
	})
	return at
}

// smallQuota is a subvolume whose quota group gets too small for what is in it. Nobody
// else need write for that.
func smallQuota(t *testing.T, megabytes int64) (string, func() func()) {
	at := smallImage(t, 4*megabytes<<20, "mkfs.btrfs", "-q")
	volume := filepath.Join(at, "volume")
	btrfs := func(args ...string) error {
		out, err := exec.Command("btrfs", args...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("btrfs %q: %w: %s", args, err, out)
		}
		return nil
	}
	const first = "0/256" // the quota group of the first subvolume
	limit := func(size string) error { return btrfs("qgroup", "limit", size, first, at) }
	for _, step := range []func() error{
		func() error { return btrfs("subvolume", "create", volume) },
		func() error { return btrfs("quota", "enable", at) },
		func() error { return limit("none") },
	} {
		if err := step(); err != nil {
			t.Skipf("missing in the kernel: quota groups of btrfs: %v", err)
		}
	}
	return volume, func() func() {
		require.NoError(t, limit("1M"))
		return func() { require.NoError(t, limit("none")) }
	}
}

// fillUp is a neighbour that takes every block there is, again and again, until it
// frees them.
func fillUp(t *testing.T, at string) (free func()) {
	path := filepath.Join(at, "neighbour")
	f, err := os.Create(path)
	require.NoError(t, err)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		chunk := make([]byte, 1<<20)
		for {
			n, _ := f.Write(chunk)
			select {
			case <-stop:
				return
			default:
			}
			if n < len(chunk) {
				chunk = chunk[:max(512, len(chunk)/2)]
				time.Sleep(time.Millisecond)
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
		require.NoError(t, f.Close())
		require.NoError(t, os.Remove(path))
	}
}

// The disk of the sandboxes is filled and freed again and again by a neighbour, while
// containers write. Every log is what its container wrote, but for what its marks say,
// and the sum of the marks is what the metrics say. SLUICE_FULL_ROUNDS says how often.
func TestFullDisksAreAccountedFor(t *testing.T) {
	needRoot(t)
	rounds := int(number(t, "SLUICE_FULL_ROUNDS", defaultFullRounds))
	seed := number(t, "SLUICE_FULL_SEED", rand.Uint64N(1e9))
	t.Logf("SLUICE_FULL_SEED=%d SLUICE_FULL_ROUNDS=%d", seed, rounds)
	for _, disk := range smallDisks {
		t.Run(disk.name, func(t *testing.T) {
			at, fill := disk.make(t, 128)
			n := newNode(t, seed, parameter{"max_stdout_size", "256KB"}, parameter{"max_stderr_size", "256KB"},
				parameter{"logrotate_stdout_options", "rotate 10000"}, parameter{"logrotate_stderr_options", "rotate 10000"},
				parameter{"evict_on_full", "false"}, parameter{"full_wait", "100ms"})
			n.workDir = filepath.Join(at, "work")
			report := n.startReporting()
			for range rounds {
				free := fill()
				time.Sleep(time.Duration(300+n.random.IntN(900)) * time.Millisecond)
				free()
				// The marks are there a second later at most.
				time.Sleep(time.Duration(1100+n.random.IntN(300)) * time.Millisecond)
			}
			r := n.endReporting(report)
			dropped, lines, kept, marks := 0, 0, 0, 0
			for _, box := range n.boxes {
				w := writtenBy(t, box)
				for stream, count := range map[string]int64{"stdout": w.Stdout, "stderr": w.Stderr} {
					proof, err := lossproof.Check(newText(seed, stream).take(count), kit.Joined(t, fullLimitBytes, box, stream))
					require.NoError(t, err, "%s of %s", stream, box)
					require.Zero(t, proof.Missing)
					dropped, lines, marks = dropped+proof.Bytes, lines+proof.Lines, marks+len(proof.Marks)
					kept += proof.Kept
					for _, m := range proof.Marks {
						require.Equal(t, disk.reason, m.Reason)
					}
				}
			}
			t.Logf("%d bytes in %d lines were dropped at %d places; %v ms was the longest that a disk held one back",
				dropped, lines, marks, r.Metrics["sluice/longest_blocked_ms"])
			require.Positive(t, marks)
			metric := func(name string) int { return int(r.Metrics["sluice/"+name]) }
			require.Equal(t, dropped, metric("bytes_dropped"))
			require.Equal(t, dropped, metric("bytes_dropped_no_space")+metric("bytes_dropped_quota"))
			require.Equal(t, lines, metric("lines_dropped"))
			require.Equal(t, kept, metric("lines_written"))
			require.Equal(t, kept+lines, metric("lines_in"))
			require.Equal(t, marks, metric("marks"))
			n.requireStateEmpty()
		})
	}
}

// Containers whose policy allows more than the disk has live from their own history:
// nothing of what comes is lost.
func TestFullDisksAreSharedByTheLogsThemselves(t *testing.T) {
	needRoot(t)
	for _, disk := range smallDisks[:2] {
		t.Run(disk.name, func(t *testing.T) {
			at, _ := disk.make(t, 24)
			a := newAgent(t, parameter{"max_stdout_size", "256KB"}, parameter{"logrotate_stdout_options", "rotate 10000"})
			a.workDir = filepath.Join(at, "work")
			const lines = 600_000
			r := a.mustRun("--containers=2", "--", "sh", "-c", fmt.Sprintf("seq -f 'a line with the number %%012.0f and so on' %d", lines))
			input := make([]byte, 0, 60*lines)
			for i := range lines {
				input = fmt.Appendf(input, "a line with the number %012d and so on\n", i+1)
			}
			missing := 0
			for _, box := range r.sandboxes() {
				proof, err := lossproof.Check(input, kit.Joined(t, fullLimitBytes, box, "stdout"))
				require.NoError(t, err)
				require.Empty(t, proof.Marks)
				missing += proof.Missing
			}
			require.Positive(t, missing)
			require.Equal(t, missing, int(r.Metrics["sluice/bytes_made_room"]))
			require.Zero(t, r.Metrics["sluice/bytes_dropped"])
		})
	}
}

// startReporting starts an agent with writing containers, whose report goes to a file.
func (n *node) startReporting() *os.File {
	n.t.Helper()
	out, err := os.Create(filepath.Join(n.t.TempDir(), "report"))
	require.NoError(n.t, err)
	n.agentProcess = n.command(append([]string{"--json", fmt.Sprintf("--containers=%d", fullContainers)}, writerTask(n.t, n.seed)...)...)
	n.agentProcess.Stdout, n.agentProcess.Stderr = out, n.log
	require.NoError(n.t, n.agentProcess.Start())
	n.t.Cleanup(func() { n.kill(n.agentProcess) })
	n.until(func() bool {
		n.boxes = n.sandboxes()
		for _, box := range n.boxes {
			if _, err := os.Stat(filepath.Join(box, pidFile)); err != nil {
				return false
			}
		}
		return len(n.boxes) == fullContainers
	})
	n.t.Cleanup(n.endTasks)
	return out
}

// endReporting tells the tasks to end and reads the report.
func (n *node) endReporting(out *os.File) (r report) {
	n.t.Helper()
	for _, box := range n.boxes {
		require.NoError(n.t, os.WriteFile(filepath.Join(box, endFile), nil, 0o600))
	}
	require.NoError(n.t, n.agentProcess.Wait())
	require.NoError(n.t, json.Unmarshal([]byte(read(n.t, out.Name())), &r))
	return r
}
