package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// bench has the places that the runs need.
type bench struct {
	build     string
	dir       string // of the logs; on a file system as sandboxes are
	stateRoot string // of sluice's state directories: a tmpfs, as advised
	cleanups  []func()
	runs      int
}

// suite is everything that is to be run.
type suite struct {
	bench
	options options
	size    size
}

func newSuite(o options) (*suite, error) {
	build, err := filepath.Abs(o.build)
	if err != nil {
		return nil, err
	}
	dir := o.dir
	if dir == "" {
		dir = os.TempDir()
	}
	s := &suite{options: o, size: fullSize(o.scale), bench: bench{build: build, stateRoot: dir}}
	if o.quick {
		s.size = quickSize()
	}
	if s.dir, err = os.MkdirTemp(dir, "sluice-bench"); err != nil {
		return nil, err
	}
	s.atClose(func() { _ = os.RemoveAll(s.dir) })
	if onTmpfs("/dev/shm") {
		s.stateRoot = "/dev/shm"
	}
	return s, nil
}

func (b *bench) atClose(f func()) { b.cleanups = append(b.cleanups, f) }

func (b *bench) close() {
	for _, f := range slices.Backward(b.cleanups) {
		f()
	}
}

func (b *bench) program(name string) string { return filepath.Join(b.build, "bench", name) }
func (b *bench) product(name string) string { return filepath.Join(b.build, name) }

func onTmpfs(path string) bool {
	var st unix.Statfs_t
	return unix.Statfs(path, &st) == nil && st.Type == unix.TMPFS_MAGIC
}

// descriptorLimit takes what the hard limit allows: thousands of streams need
// several descriptors each.
func descriptorLimit() uint64 {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 1024
	}
	limit.Cur = limit.Max
	_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
	return min(limit.Max, 1<<20)
}

// run runs everything, interleaved: in each repetition each logger does each work
// once. What could not be run is an error, after the rest.
func (s *suite) run() (*Results, error) {
	results := &Results{Machine: describeMachine(&s.bench), Repetitions: s.options.repetitions, Size: s.size}
	var chosen []Logger
	for _, l := range loggers() {
		if !among(s.options.loggers, l.Name) {
			continue
		}
		if why := l.available(); why != "" {
			results.LeftOut = append(results.LeftOut, why)
			continue
		}
		chosen = append(chosen, l)
	}
	var failed error
	for repetition := range s.options.repetitions {
		results.Repetitions = repetition + 1
		for _, work := range works(s.size) {
			for _, l := range chosen {
				if !among(s.options.only, work.ID) && !among(s.options.only, work.ID[:1]) ||
					work.Loggers != nil && !slices.Contains(work.Loggers, l.Name) {
					continue
				}
				run, err := s.once(work, l, repetition)
				if err != nil {
					failed = fmt.Errorf("work %s, %s: %w", work.ID, l.Name, err)
					fmt.Fprintln(os.Stderr, "  failed:", failed)
					continue
				}
				results.Runs = append(results.Runs, run)
			}
		}
		results.Machine.LoadAfter = loadAverage()
		// What there is so far is written at once: whoever stops here has it.
		if s.options.docs != "" {
			failed = errors.Join(failed, publish(s.options, results))
		}
	}
	s.countCalls(results, chosen)
	return results, failed
}

func (s *suite) once(work Work, l Logger, repetition int) (Run, error) {
	begin := time.Now()
	fmt.Fprintf(os.Stderr, "%d/%d  %-6s %-24s", repetition+1, s.options.repetitions, work.ID, l.Name)
	run, err := work.run(&s.bench, l)
	run.Work = work.ID
	fmt.Fprintf(os.Stderr, " %6.1f s  writer %8.3f s  logger cpu %8.3f s\n",
		time.Since(begin).Seconds(), run.Wall.Seconds(), run.LoggerCPU.Seconds())
	return run, err
}

// directory makes one for a run.
func (b *bench) directory() (string, error) {
	b.runs++
	dir := filepath.Join(b.dir, fmt.Sprint(b.runs))
	return dir, os.Mkdir(dir, 0o755)
}

// discard empties a run's directory. Files that are large are only truncated: an
// inode that was freed makes ext4 search for minutes when the next is made
// (recently_deleted in fs/ext4/ialloc.c), which no agent sees.
func (b *bench) discard(dir string) {
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			_ = os.Truncate(path, 0)
		}
		return nil
	})
}

// session starts a writer and a logger, lets use work with them, and ends both.
func (b *bench) session(l Logger, program string, arguments []string, streams int, p policy, use func(*session, *writer) error) error {
	dir, err := b.directory()
	if err != nil {
		return err
	}
	defer b.discard(dir)
	w, err := startWriter(b.program(program), dir, arguments...)
	if err != nil {
		return err
	}
	s, err := l.start(b, w, streams, p)
	if err == nil {
		err = use(s, w)
	}
	if err != nil {
		w.kill()
		if s != nil {
			s.kill()
		}
		return err
	}
	return s.wait()
}
