package check

import (
	"math"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"sluice/core/logformat"
	"sluice/core/settings"
)

// unbounded stands for what has no bound.
const unbounded = -1

// Disk is the most that log files take, in bytes, uncompressed; -1 is no bound.
type Disk struct {
	ContainerBytes int64 `json:"container_bytes"`
	// NodeBytes is for Containers containers; both are 0 where that was not asked.
	Containers int   `json:"containers,omitempty"`
	NodeBytes  int64 `json:"node_bytes,omitempty"`
	// LiveBytes are of the live files of those containers, which no budget deletes.
	LiveBytes int64 `json:"live_bytes,omitempty"`
	// BudgetBytes is what node_max_bytes allows all containers together; 0: no budget.
	BudgetBytes int64 `json:"budget_bytes,omitempty"`
	// TaskBytes is the most that a container can have whose task asks for all that
	// the ceilings leave it.
	TaskBytes int64 `json:"task_bytes"`
}

// diskOf adds up.
func diskOf(operator settings.Module, c settings.Container, containers int) Disk {
	d := Disk{ContainerBytes: plus(mostBytes(c.Stdout), mostBytes(c.Stderr)), Containers: containers, BudgetBytes: operator.NodeMaxBytes}
	if containers > 0 {
		d.LiveBytes = times(plus(liveBytes(c.Stdout), liveBytes(c.Stderr)), int64(containers))
		d.NodeBytes = max(d.within(times(d.ContainerBytes, int64(containers))), d.LiveBytes)
		if d.BudgetBytes == 0 && d.ContainerBytes == unbounded {
			d.NodeBytes = unbounded
		}
	}
	d.TaskBytes = plus(mostOfTask(operator, operator.Stdout), mostOfTask(operator, operator.Stderr))
	return d
}

// within lowers what the node takes to its budget.
func (d Disk) within(bytes int64) int64 {
	if d.BudgetBytes > 0 && (bytes == unbounded || bytes > d.BudgetBytes) {
		return d.BudgetBytes
	}
	return bytes
}

// mostBytes is the most that the files of a stream take.
func mostBytes(s settings.Stream) int64 {
	most, bounded := s.MostBytes()
	if !bounded {
		return unbounded
	}
	return most
}

// liveBytes is the most that the live file of a stream takes.
func liveBytes(s settings.Stream) int64 {
	if s.Discard {
		return 0
	}
	return s.Policy.LimitBytes(s.MaxBytes)
}

// mostOfTask is the most that a task can make of a stream: a ceiling bounds what it
// asks for, not what the operator gave it.
func mostOfTask(operator settings.Module, s settings.Stream) int64 {
	if s.Discard {
		return 0
	}
	if operator.Task.MaxBytes == 0 || operator.Task.MaxFiles < 0 || s.Policy.Rotate < 0 {
		return unbounded
	}
	log := times(max(s.MaxBytes, operator.Task.MaxBytes), int64(max(s.Policy.Rotate, operator.Task.MaxFiles))+1)
	if s.Times == 0 {
		return log
	}
	return plus(log, logformat.TimesMostBytes(log))
}

func plus(a, b int64) int64 {
	if a == unbounded || b == unbounded {
		return unbounded
	}
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func times(a, b int64) int64 {
	if a == unbounded {
		return unbounded
	}
	if a > math.MaxInt64/b {
		return math.MaxInt64
	}
	return a * b
}

// fits holds the disk against the budget and the file system of the work directory.
func (r *Report) fits(d Disk, workDir string) {
	if d.BudgetBytes > 0 && d.LiveBytes > d.BudgetBytes {
		r.add(Warning, position{}, "the live files of that many containers alone can take %s, more than node_max_bytes=%s: all rotated files go, "+
			"and the budget is passed; expected smaller limits, or a larger budget", sizeWords(d.LiveBytes), sizeWords(d.BudgetBytes))
	}
	if workDir == "" {
		return
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(workDir, &fs); err != nil {
		r.add(Error, position{}, "--work_dir=%s: %v", workDir, err)
		return
	}
	size, free := int64(fs.Blocks)*fs.Bsize, int64(fs.Bavail)*fs.Bsize
	most, whose := d.within(d.ContainerBytes), "one container"
	if d.Containers > 0 {
		most, whose = d.NodeBytes, "that many containers"
	}
	switch {
	case most == unbounded:
	case most > size:
		r.add(Warning, position{}, "the logs of %s can take %s; the file system of %s has %s", whose, sizeWords(most), workDir, sizeWords(size))
	case most > free:
		r.add(Warning, position{}, "the logs of %s can take %s; the file system of %s has %s free", whose, sizeWords(most), workDir, sizeWords(free))
	}
}

// stateDir checks where the state directory is, or would be made.
func (r *Report) stateDir(path string) {
	info, err := os.Lstat(path)
	if err == nil && info.Mode()&os.ModeSymlink != 0 {
		r.add(Error, position{}, "parameter state_dir: %q is a link: the agent would not start; expected a directory", path)
		return
	}
	if err == nil && !info.IsDir() {
		r.add(Error, position{}, "parameter state_dir: %q is not a directory: the agent would not start", path)
		return
	}
	if err == nil && info.Mode().Perm()&0o022 != 0 {
		r.add(Error, position{}, "parameter state_dir: %q has mode %04o, expected 0700: others can write there, and the agent would not start",
			path, info.Mode().Perm())
	}
	existing := path
	for existing != "/" && err != nil {
		existing = filepath.Dir(existing)
		_, err = os.Stat(existing)
	}
	var fs unix.Statfs_t
	if unix.Statfs(existing, &fs) == nil && fs.Type != unix.TMPFS_MAGIC && fs.Type != unix.RAMFS_MAGIC {
		r.add(Warning, position{}, "parameter state_dir: %q is not on a tmpfs: a full or slow disk would hold launches and rotations up; "+
			"expected a directory in /run", path)
	}
}
