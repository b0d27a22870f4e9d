package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// kills is how often the owner is killed in the first quarter.
const kills = 4

// samplesOf is how many samples are taken in the whole time.
const samplesOf = 300

// running is an owner as the one that started it sees it.
type running struct {
	cmd     *exec.Cmd
	ask     io.WriteCloser
	answers *bufio.Scanner
}

// startOwner starts an owner whose containers are named after its generation; one
// without containers only ends what is there.
func startOwner(o options, dir string, generation, containers int) (*running, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(context.Background(), self, ownRole,
		"-state="+filepath.Join(dir, "state"), "-boxes="+filepath.Join(dir, "boxes"), "-life="+o.life().String(),
		"-name=soak"+strconv.Itoa(generation), "-containers="+strconv.Itoa(containers))
	log, err := os.OpenFile(filepath.Join(o.out, "owner.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stderr = log
	ask, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	answers, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &running{cmd, ask, bufio.NewScanner(answers)}, cmd.Start()
}

// figures asks the owner; it answers when it has opened the state directory.
func (r *running) figures() (f figures, err error) {
	if _, err := r.ask.Write([]byte("\n")); err != nil {
		return f, fmt.Errorf("ask the owner: %w", err)
	}
	if !r.answers.Scan() {
		return f, errors.Join(fmt.Errorf("the owner ended: %w", io.ErrUnexpectedEOF), r.answers.Err())
	}
	return f, json.Unmarshal(r.answers.Bytes(), &f)
}

// kill sends SIGKILL and waits.
func (r *running) kill() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

// drive runs owners, one after another, for the whole time.
func drive(o options, dir string) (samples samples, err error) {
	if err := os.MkdirAll(filepath.Join(dir, "boxes"), 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, exitLock), nil, 0o600); err != nil {
		return nil, err
	}
	begin := time.Now()
	generation := 1
	owner, err := startOwner(o, dir, generation, o.containers)
	if err != nil {
		return nil, err
	}
	defer func() { owner.kill() }()
	for ticks := time.NewTicker(o.duration / samplesOf); time.Since(begin) < o.duration; <-ticks.C {
		f, err := owner.figures()
		if err != nil {
			return samples, err
		}
		samples = append(samples, sampleOf(owner.cmd.Process.Pid, time.Since(begin), generation, f))
		due := o.duration / 4 * time.Duration(generation) / (kills + 1)
		if generation <= kills && time.Since(begin) > due {
			generation++
			if owner, err = replace(owner, o, dir, generation, o.containers); err != nil {
				return samples, err
			}
		}
	}
	if owner, err = replace(owner, o, dir, generation+1, 0); err != nil {
		return samples, err
	}
	if err := owner.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return samples, err
	}
	return samples, owner.cmd.Wait()
}

// replace kills an owner in the middle of its work and starts the next one. Containers
// do not end meanwhile, and those that have ended before have nothing left in a pipe.
func replace(owner *running, o options, dir string, generation, containers int) (*running, error) {
	lock, err := unix.Open(filepath.Join(dir, exitLock), unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return owner, fmt.Errorf("open the lock: %w", err)
	}
	defer unix.Close(lock)
	if err := flock(lock, unix.LOCK_EX); err != nil {
		return owner, err
	}
	for endedButOwned(dir) {
		time.Sleep(5 * time.Millisecond)
	}
	owner.kill()
	next, err := startOwner(o, dir, generation, containers)
	if err != nil {
		return owner, err
	}
	_, err = next.figures()
	return next, err
}

// endedButOwned says whether the state directory has a stream of a container that ended.
func endedButOwned(dir string) bool {
	ended, _ := filepath.Glob(filepath.Join(dir, "boxes", "*", doneFile))
	return slices.ContainsFunc(ended, func(done string) bool {
		return isOwned(filepath.Join(dir, "state"), filepath.Base(filepath.Dir(done)))
	})
}
