// Package kit is what tests share: numbered lines, a rotated series joined without the code that
// is tested, waits with a limit that say for what, and, for the long tests, owners and
// containers as processes.
//
// An owner runs the logger's core in a process of its own: it is asked for figures, killed, and
// started again over what its containers go on writing. A program that has owners plays every role
// itself: the one that is started, its owners and its containers are told apart by their first
// argument.
package kit

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// maxAnswerBytes is the longest line that an owner may answer with.
const maxAnswerBytes = 8 << 20

// Running is an owner as the one that started it sees it. It is used by one goroutine.
type Running struct {
	cmd     *exec.Cmd
	ask     io.WriteCloser
	answers *bufio.Scanner
}

// Start runs this program again with arguments, as an owner whose log is appended to a
// file. The caller ends it with Kill or Terminate.
func Start(log string, args ...string) (*Running, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(context.Background(), self, args...)
	file, err := os.OpenFile(log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	cmd.Stderr = file
	ask, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	answers, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(answers)
	lines.Buffer(nil, maxAnswerBytes)
	return &Running{cmd, ask, lines}, cmd.Start()
}

// Ask gets the owner's figures; it answers when it has opened the state directory.
func (r *Running) Ask(figures any) error {
	if _, err := r.ask.Write([]byte("\n")); err != nil {
		return fmt.Errorf("ask the owner: %w", err)
	}
	if !r.answers.Scan() {
		return errors.Join(fmt.Errorf("the owner ended: %w", io.ErrUnexpectedEOF), r.answers.Err())
	}
	return json.Unmarshal(r.answers.Bytes(), figures)
}

// PID is the owner's process.
func (r *Running) PID() int { return r.cmd.Process.Pid }

// Kill sends SIGKILL and waits.
func (r *Running) Kill() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

// Terminate sends SIGTERM, and waits for an end without an error.
func (r *Running) Terminate() error {
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return r.cmd.Wait()
}

// Answer is the owner's side of Ask: each question on stdin is answered with figures, as
// a line of JSON. The end of stdin, which is the end of the one who asks, ends the process.
func Answer(figures func() any) {
	answers := json.NewEncoder(os.Stdout)
	for question := make([]byte, 1); ; {
		if _, err := io.ReadFull(os.Stdin, question); err != nil {
			os.Exit(1)
		}
		_ = answers.Encode(figures())
	}
}

// Reap waits for the children that have ended, without blocking: a blocked wait would
// have a thread for each.
func Reap() {
	for pid := 1; pid > 0; {
		pid, _ = syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
	}
}

// Storm forks and executes until it is stopped, and counts that.
func Storm(stopped func() bool, count func()) {
	for !stopped() {
		if _, err := syscall.ForkExec("/bin/true", []string{"true"}, &syscall.ProcAttr{}); err == nil {
			count()
		}
		time.Sleep(10 * time.Millisecond)
	}
}
