package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// harnessReport is what the benchmark wants of sluice-harness's report.
type harnessReport struct {
	Containers []struct {
		PrepareUS float64 `json:"prepare_us"`
		Error     string  `json:"error"`
	} `json:"containers"`
	Metrics map[string]float64 `json:"metrics"`
}

type parameter struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type module struct {
	Name       string      `json:"name"`
	Parameters []parameter `json:"parameters"`
}

type library struct {
	File    string   `json:"file"`
	Modules []module `json:"modules"`
}

// sluiceModule is the name of our container logger in the library.
const sluiceModule = "sluice_ContainerLogger"

// modules is what --modules of an agent takes.
func (b *bench) modules(stateDir string, p policy) (string, error) {
	options := fmt.Sprintf("rotate %d\n%s", p.Keep, compressLine(p))
	size := fmt.Sprintf("%dB", p.LimitBytes)
	parameters := []parameter{
		{"state_dir", stateDir},
		{"max_stdout_size", size}, {"logrotate_stdout_options", options},
		{"max_stderr_size", size}, {"logrotate_stderr_options", options},
	}
	if p.MaxDelay != "" {
		parameters = append(parameters, parameter{"max_delay", p.MaxDelay})
	}
	manifest := struct {
		Libraries []library `json:"libraries"`
	}{[]library{{
		File:    filepath.Join(b.build, "libsluice_container_logger.so"),
		Modules: []module{{sluiceModule, parameters}},
	}}}
	text, err := json.Marshal(manifest)
	return string(text), err
}

// harness makes the command that starts containers in dir; each runs task.
func (b *bench) harness(dir string, containers int, order launchOrder, p policy, task ...string) (*exec.Cmd, error) {
	state, err := os.MkdirTemp(b.stateRoot, "state")
	if err != nil {
		return nil, err
	}
	b.atClose(func() { _ = os.RemoveAll(state) })
	modules, err := b.modules(state, p)
	if err != nil {
		return nil, err
	}
	arguments := append([]string{
		"--modules=" + modules, "--container_logger=" + sluiceModule, "--work_dir=" + dir, "--json",
		"--logging_level=WARNING", number("containers", int64(containers)),
	}, order...)
	return exec.Command(b.product("sluice-harness"), append(append(arguments, "--"), task...)...), nil
}

// launchOrder are the flags of the harness that say how launches overlap.
type launchOrder []string

var (
	// fewAtATime is what a busy agent has under way.
	fewAtATime = launchOrder{"--parallel=4"}
	// oneByOne starts the task of a container before the next one is prepared.
	oneByOne = launchOrder{"--parallel=1"}
	// prepareFirst prepares all, one by one, before a task is started.
	prepareFirst = launchOrder{"--parallel=1", "--prepare_first"}
)

// startSluice starts a harness whose containers give both their streams to the
// writer; a single stream is one container's stdout.
func startSluice(b *bench, w *writer, streams int, p policy) (*session, error) {
	s, _, err := b.startHarness(w, filepath.Join(w.dir, "work"), (streams+1)/2, fewAtATime, p)
	return s, err
}

// startHarness starts a harness with containers that live as long as the writer; its
// report is complete when the session has ended.
func (b *bench) startHarness(w *writer, workDir string, containers int, order launchOrder, p policy) (*session, *bytes.Buffer, error) {
	command, err := b.harness(workDir, containers, order, p, b.program("bench-handover"), w.socket())
	if err != nil {
		return nil, nil, err
	}
	s := newSession(w.dir)
	text := &bytes.Buffer{}
	command.Stdout = text
	if err := s.start(command); err != nil {
		return nil, nil, err
	}
	s.host = command.Process.Pid
	s.commands = append(s.commands, command)
	return s, text, nil
}

// readReport reads what the harness reports; a container that could not be
// launched is an error.
func readReport(text []byte) (harnessReport, error) {
	var r harnessReport
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("read the report of sluice-harness: %w", err)
	}
	for _, container := range r.Containers {
		if container.Error != "" {
			return r, fmt.Errorf("a container was not launched: %s", container.Error)
		}
	}
	return r, nil
}

// prepares are the times to prepare a container, both streams.
func (r harnessReport) prepares() []time.Duration {
	times := make([]time.Duration, len(r.Containers))
	for i, container := range r.Containers {
		times[i] = time.Duration(container.PrepareUS * float64(time.Microsecond))
	}
	return times
}
