package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// session is a logger that has been started for some streams.
type session struct {
	commands []*exec.Cmd
	// host is a process of which only what the logger does in it counts: neither
	// its main thread nor the children that it waits for. 0 where there is none.
	host int
	// beside are commands that do not end by themselves with the last stream.
	beside []*exec.Cmd
	// complaints is the file that everything goes to which the commands print.
	complaints string
}

func newSession(dir string) *session { return &session{complaints: filepath.Join(dir, "complaints")} }

// start starts a command of the session; what it complains about is kept.
func (s *session) start(command *exec.Cmd) error {
	// A file and no pipe: a child that lives on would hold a pipe open.
	f, err := os.OpenFile(s.complaints, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	command.Stderr = f
	if command.Stdout == nil {
		command.Stdout = f
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", command.Path, err)
	}
	return nil
}

// said is what the commands have printed.
func (s *session) said() string {
	text, _ := os.ReadFile(s.complaints)
	return strings.TrimSpace(string(text))
}

// processes lists the processes of the logger: those that were started and their
// descendants, but for the host's tasks.
func (s *session) processes() []int {
	var found []int
	var visit func(pid int)
	visit = func(pid int) {
		if name := nameOf(pid); !strings.HasPrefix(name, "bench-hand") && name != "true" {
			found = append(found, pid)
		}
		for _, child := range childrenOf(pid) {
			visit(child)
		}
	}
	for _, command := range append(s.commands, s.beside...) {
		visit(command.Process.Pid)
	}
	return found
}

// cpu is what the logger has used so far.
func (s *session) cpu() (time.Duration, error) {
	var sum time.Duration
	for _, pid := range s.processes() {
		used, err := cpuOf(pid)
		if err != nil {
			continue // it ended meanwhile: its parent has waited for it
		}
		sum += used
		if pid == s.host {
			sum -= cpuOfThread(pid, pid)
		} else {
			sum += cpuOfChildren(pid)
		}
	}
	return sum, s.failed()
}

// usage looks at everything.
func (s *session) usage() (usage, error) {
	var u usage
	var err error
	if u.cpu, err = s.cpu(); err != nil {
		return u, err
	}
	for _, pid := range s.processes() {
		if pid != s.host {
			u.processes++
		}
		u.pssBytes += pssOf(pid)
		for _, tid := range threadsOf(pid) {
			u.threads++
			if pid == s.host && tid == pid {
				continue
			}
			voluntary, involuntary := switchesOf(pid, tid)
			u.voluntary += voluntary
			u.involuntary += involuntary
		}
	}
	return u, nil
}

// failed tells whether a process of the session has ended that should not have.
func (s *session) failed() error {
	for _, command := range s.commands {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", command.Process.Pid))
		if err != nil || bytes.Contains(stat, []byte(") Z ")) {
			return fmt.Errorf("%s ended early: %s", command.Path, s.said())
		}
	}
	return nil
}

const (
	quietFor   = 40 * time.Millisecond
	quietLimit = 10 * time.Second
	quietCPU   = 500 * time.Microsecond
)

// settle waits until the logger does next to nothing any more: it has started, or
// has moved what was left in the pipes.
func (s *session) settle() error {
	last := time.Duration(-1)
	for begin := time.Now(); time.Since(begin) < quietLimit; time.Sleep(quietFor) {
		now, err := s.cpu()
		if err != nil {
			return err
		}
		if last >= 0 && now-last < quietCPU {
			return nil
		}
		last = now
	}
	return nil // busy by nature, e.g. a compression under way: measured as it is
}

// wait waits for the end of the logger, which is due as the streams have ended.
func (s *session) wait() error {
	s.stopBeside()
	var failures []error
	for _, command := range s.commands {
		if err := waitFor(command); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w: %s", command.Path, err, s.said()))
		}
	}
	s.commands = nil
	return errors.Join(failures...)
}

// endPatience is for how long a logger may compress after its last byte. One whose
// compressor is missing tries it again for ever.
const endPatience = time.Minute

// waitFor waits for a logger whose input has ended.
func waitFor(command *exec.Cmd) error {
	timer := time.AfterFunc(endPatience, func() { _ = command.Process.Kill() })
	defer timer.Stop()
	return command.Wait()
}

func (s *session) stopBeside() {
	for _, command := range s.beside {
		_ = command.Process.Kill()
		_ = command.Wait()
	}
	s.beside = nil
}

// kill ends what is left after a failure.
func (s *session) kill() {
	s.stopBeside()
	for _, command := range s.commands {
		_ = command.Process.Kill()
		_ = command.Wait()
	}
	s.commands = nil
}
