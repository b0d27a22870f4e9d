package script

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/guard"
	"sluice/core/sandbox"
	"sluice/core/shortage"
)

// ErrTimeout says that a command was killed because its time was over.
var ErrTimeout = errors.New("killed: its time was over (script_timeout)")

// ErrStopped says that a command was killed because the logger ended, or handed its streams
// over: those of all containers wait for it.
var ErrStopped = errors.New("killed: the logger ended, or handed over to another")

// Credential says whose rights a command gets.
type Credential struct {
	UID, GID uint32
	Groups   []uint32
}

// Runner runs commands for one sandbox. It may be used concurrently.
type Runner struct {
	// Dir is the working directory, borrowed.
	Dir *sandbox.Dir
	// As is the task's user; nil keeps the process's own rights, if it cannot change them.
	As *Credential
	// Timeout is how long a command may take before its group is killed.
	Timeout time.Duration
	// Stop, once closed, leaves a command no more than stopPatience. Nil means never.
	Stop <-chan struct{}
	// Env is the environment of every command, see Environment.
	Env []string
	Log *slog.Logger
	// Unbounded leaves the program the host's limits and priority, for a program of our own.
	Unbounded bool
	// Guard starts the reader of the output; if it is nil, the runner has its own.
	Guard *guard.Guard
}

// defaultPath is where programs are looked up.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Environment is what the replaced program leaves of the host's environment: everything except
// the variables of the agent and its library. Without a host only a PATH is left.
func Environment(host []string) []string {
	kept := []string{"PATH=" + defaultPath}
	for _, variable := range host {
		switch {
		case strings.HasPrefix(variable, "LIBPROCESS_"), strings.HasPrefix(variable, "MESOS_"):
		case strings.HasPrefix(variable, "PATH="):
			kept[0] = variable
		default:
			kept = append(kept, variable)
		}
	}
	return kept
}

// Run runs one command and waits for it and its process group to end. Its callers decide how many
// run at once. A status other than 0, a signal or the end of its time is an error. If the machine
// is short of processes, memory or descriptors it tries again, for as long as the command may
// take.
func (r *Runner) Run(c Command) error {
	program, err := lookUp(c.Args[0])
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	deadline := time.Now().Add(r.Timeout)
	var running *running
	var short error
	err = shortage.Retry(r.Timeout, func() (err error) {
		running, err = r.begin(program, c, deadline)
		if shortage.Is(err) {
			short = err
		}
		return err
	})
	if short != nil && errors.Is(err, ErrTimeout) {
		err = fmt.Errorf("%w; before: %w", err, short)
	}
	if err != nil {
		return fmt.Errorf("start %q: %w", program, err)
	}
	return running.end(deadline)
}

// running is a command that runs.
type running struct {
	*process
	lines  *os.File // what the command says
	logged <-chan struct{}
	runner *Runner
}

// begin starts the program, which runs when it returns.
func (r *Runner) begin(program string, c Command, deadline time.Time) (*running, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	lines, output, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer output.Close()
	p, err := r.exec(program, c, null, output, deadline)
	if err != nil {
		_ = lines.Close()
		return nil, err
	}
	return &running{process: p, lines: lines, logged: r.logLines(c.Name, lines), runner: r}, nil
}

// exec starts the program and waits until it runs.
func (r *Runner) exec(program string, c Command, null, output *os.File, deadline time.Time) (*process, error) {
	files, extra, err := stdio(c, null, output)
	if err != nil {
		return nil, err
	}
	defer extra.close()
	p, way, err := r.start(program, c, files)
	if err != nil {
		return nil, err
	}
	if err := way.wait(deadline); err != nil {
		p.fail()
		return nil, err
	}
	return p, nil
}

// end waits for the command and its last words.
func (r *running) end(deadline time.Time) error {
	ended := make(chan struct{})
	r.until(deadline)
	stopped := r.runner.hurry(r.process, ended)
	err := r.wait()
	close(ended)
	if <-stopped && errors.Is(err, ErrTimeout) {
		err = ErrStopped
	}
	// A process that left the group may keep the pipe open for ever.
	_ = r.lines.SetReadDeadline(time.Now().Add(lastWords))
	<-r.logged
	return err
}

// stopPatience is how long a command may go on after Stop.
const stopPatience = 2 * time.Second

// hurry brings the deadline of a process forward once the runner is stopped. When the process has
// ended, stopped tells whether it did.
func (r *Runner) hurry(p *process, ended <-chan struct{}) (stopped <-chan bool) {
	told := make(chan bool, 1)
	if r.Stop == nil {
		told <- false
		return told
	}
	r.guarding().Go("end a command with the logger", func() {
		select {
		case <-ended:
			told <- false
		case <-r.Stop:
			p.until(time.Now().Add(stopPatience))
			told <- true
		}
	})
	return told
}

// lastWords is how long output is still read after the command has ended.
const lastWords = time.Second

// stdio gives the three descriptors of a command, all over 2, and what to close afterwards: if the
// host has no standard descriptors, a file may have their numbers.
func stdio(c Command, null, output *os.File) (files [3]uintptr, extra closers, err error) {
	in, out := null, output
	if c.Stdin != nil {
		in = c.Stdin
	}
	if c.Stdout != nil {
		out = c.Stdout
	}
	for i, f := range []*os.File{in, out, output} {
		if files[i] = f.Fd(); files[i] > 2 {
			continue
		}
		fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			extra.close()
			return files, nil, fmt.Errorf("leave the standard descriptors alone: %w", err)
		}
		files[i], extra = uintptr(fd), append(extra, fd)
	}
	return files, extra, nil
}

// closers are descriptors to close.
type closers []int

func (c closers) close() {
	for _, fd := range c {
		_ = unix.Close(fd)
	}
}

// lookUp finds a program in the fixed search path. The host's path is not ours to use.
func lookUp(name string) (string, error) {
	if filepath.IsAbs(name) {
		return name, nil
	}
	if strings.Contains(name, "/") {
		return "", fmt.Errorf("program %q: expected an absolute path or a bare name", name)
	}
	for _, dir := range filepath.SplitList(defaultPath) {
		path := filepath.Join(dir, name)
		if unix.Access(path, unix.X_OK) == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("program %q: %w in %s", name, os.ErrNotExist, defaultPath)
}
