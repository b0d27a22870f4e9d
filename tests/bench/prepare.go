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
		return prepareInHarness(b, z.Prepares)
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

func prepareInHarness(b *bench, containers int) (Run, error) {
	run := Run{Logger: sluiceName, Streams: 2 * containers}
	dir, err := b.directory()
	if err != nil {
		return run, err
	}
	defer b.discard(dir)
	command, err := b.harness(dir, containers, 1, streams{}.usual(), "/bin/true")
	if err != nil {
		return run, err
	}
	var complaints bytes.Buffer
	command.Stderr = &complaints
	text, err := command.Output()
	if err != nil {
		return run, fmt.Errorf("sluice-harness: %w: %s", err, complaints.String())
	}
	report, err := readReport(text)
	run.Prepares = report.prepares()
	return run, err
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
