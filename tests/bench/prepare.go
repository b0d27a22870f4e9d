package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// prepare measures the time from the request for the streams of a container until
// its output has somewhere to go. For sluice that is prepare(), as the harness
// times it, one container after the other. For the peers, who have a process per
// stream, it lasts until the first line of both is in a file.
func prepare(b *bench, l Logger, z size) (Run, error) {
	if l.Name == sluiceName {
		return prepareInHarness(b, z.Prepares, prepareFirst, b.boxes())
	}
	peers := map[string]peer{s6Name: {command: s6}, rotateName: {command: rotatelogs}, originalName: {command: original}}
	run := Run{Logger: l.Name, Streams: 2}
	for range z.PeerPrepares {
		took, err := peers[l.Name].untilFirstLines(b)
		if err != nil {
			return run, err
		}
		run.Prepares = append(run.Prepares, took)
	}
	return run, nil
}

// boxes names the directory of the sandboxes of a run.
func (b *bench) boxes() string { return filepath.Join(b.dir, fmt.Sprintf("work%d", b.runs)) }

// prepareInHarness prepares containers one after the other, below boxes; their tasks
// live until all are there.
func prepareInHarness(b *bench, containers int, order launchOrder, boxes string) (Run, error) {
	run := Run{Logger: sluiceName, Streams: 2 * containers}
	var text *bytes.Buffer
	start := Logger{start: func(b *bench, w *writer, streams int, p policy) (s *session, err error) {
		s, text, err = b.startHarness(w, boxes, containers, order, p)
		return s, err
	}}
	arguments := []string{number("streams", int64(run.Streams)), number("rate", 0), number("seconds", 0)}
	err := b.session(start, "bench-paced", arguments, run.Streams, streams{}.usual(), func(s *session, w *writer) error {
		_, _, _, err := observe(s, w)
		return err
	})
	if err != nil {
		return run, err
	}
	report, err := readReport(text.Bytes())
	run.Prepares = percentiles(report.prepares())
	return run, err
}

// prepareInMemory is the same with the sandboxes on a tmpfs: what the logger itself
// takes, without the file system.
func prepareInMemory(b *bench, _ Logger, z size) (Run, error) {
	boxes, err := os.MkdirTemp(b.stateRoot, "work")
	if err != nil {
		return Run{}, err
	}
	defer os.RemoveAll(boxes)
	return prepareInHarness(b, z.Prepares, prepareFirst, boxes)
}

// prepareBetweenForks is the same with each task started before the next container
// is prepared: after a fork every page that the host writes to is copied first, and
// the task that starts wants a processor.
func prepareBetweenForks(b *bench, _ Logger, z size) (Run, error) {
	return prepareInHarness(b, z.Prepares, oneByOne, b.boxes())
}

// untilFirstLines starts the processes of two streams, writes a line into each and
// waits until both lines are in files.
func (p peer) untilFirstLines(b *bench) (time.Duration, error) {
	dir, err := b.directory()
	if err != nil {
		return 0, err
	}
	defer b.discard(dir)
	s := newSession(dir)
	defer s.kill()
	line := []byte("the first line\n")
	begin := time.Now()
	for _, name := range []string{"stdout", "stderr"} {
		command, end, err := p.launch(b, s, filepath.Join(dir, name), streams{}.usual())
		if err != nil {
			return 0, err
		}
		s.commands = append(s.commands, command)
		defer end.Close()
		if _, err := end.Write(line); err != nil {
			return 0, fmt.Errorf("write the first line: %w", err)
		}
	}
	for !hasLine(filepath.Join(dir, "stdout"), line) || !hasLine(filepath.Join(dir, "stderr"), line) {
		if time.Since(begin) > patience {
			return 0, fmt.Errorf("the first line was in no file after %v: %s", patience, s.said())
		}
		time.Sleep(50 * time.Microsecond)
	}
	return time.Since(begin), nil
}

// hasLine tells whether a file below dir has a line and nothing else.
func hasLine(dir string, line []byte) bool {
	found := false
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			text, _ := os.ReadFile(path)
			found = found || bytes.Equal(text, line)
		}
		return nil
	})
	return found
}
