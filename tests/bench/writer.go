package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long the writer or the logger may take for anything.
const patience = 3 * time.Minute

// writer is the C program that writes into the streams: the same for every logger,
// in a process of its own. It takes the streams over a socket, waits at a gate
// before the first and after the last write, and leaves a report.
type writer struct {
	command *exec.Cmd
	dir     string
	ended   chan error
}

// report as programs/measure.h writes it.
type report struct {
	BeginNS   int64 `json:"begin_ns"`
	EndNS     int64 `json:"end_ns"`
	Bytes     int64 `json:"bytes"`
	Writes    int64 `json:"writes"`
	LongestNS int64 `json:"longest_ns"`
	UserUS    int64 `json:"user_us"`
	SystemUS  int64 `json:"system_us"`
}

func startWriter(program, dir string, arguments ...string) (*writer, error) {
	w := &writer{dir: dir, ended: make(chan error, 1)}
	for _, gate := range []string{"begin", "end"} {
		if err := unix.Mkfifo(w.path("gate."+gate), 0o600); err != nil {
			return nil, fmt.Errorf("make a gate for the writer: %w", err)
		}
	}
	arguments = append(arguments, "--socket="+w.socket(), "--gate="+w.path("gate"), "--report="+w.path("report"))
	w.command = exec.Command(program, arguments...)
	w.command.Stderr = os.Stderr
	if err := w.command.Start(); err != nil {
		return nil, fmt.Errorf("start the writer: %w", err)
	}
	go func() { w.ended <- w.command.Wait() }()
	return w, w.await("its socket", func() bool {
		// It appears under this name only when it listens.
		_, err := os.Stat(w.socket())
		return err == nil
	})
}

func (w *writer) path(name string) string { return filepath.Join(w.dir, "writer."+name) }
func (w *writer) socket() string          { return w.path("socket") }

// await polls until done, unless the writer has ended.
func (w *writer) await(what string, done func() bool) error {
	for begin := time.Now(); !done(); time.Sleep(time.Millisecond) {
		select {
		case err := <-w.ended:
			w.ended <- err
			return fmt.Errorf("the writer ended before %s was there: %w", what, errors.Join(err))
		default:
		}
		if time.Since(begin) > patience {
			return fmt.Errorf("the writer did not come to %s in %v", what, patience)
		}
	}
	return nil
}

// give hands the writing end of a stream to the writer. The descriptor is borrowed.
func (w *writer) give(stream int) error {
	connection, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: w.socket(), Net: "unix"})
	if err != nil {
		return fmt.Errorf("reach the writer: %w", err)
	}
	defer connection.Close()
	_, _, err = connection.WriteMsgUnix([]byte{0}, unix.UnixRights(stream), nil)
	return err
}

// gate waits until the writer is at a gate, runs look, and lets the writer pass.
func (w *writer) gate(name string, look func() error) error {
	fd := -1
	err := w.await("the gate "+name, func() bool {
		var err error
		// ENXIO as long as the writer is not there.
		fd, err = unix.Open(w.path("gate."+name), unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		return err == nil
	})
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return look()
}

// finish waits for the writer and reads its report.
func (w *writer) finish() (report, error) {
	var r report
	if err := <-w.ended; err != nil {
		return r, fmt.Errorf("the writer: %w", err)
	}
	text, err := os.ReadFile(w.path("report"))
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(text, &r)
}

func (w *writer) kill() {
	_ = w.command.Process.Kill()
}

func number(name string, value int64) string {
	return "--" + name + "=" + strconv.FormatInt(value, 10)
}
