package script

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sluice/core/sandbox"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrTimeout says that a command was killed because its time was over.
var ErrTimeout = errors.New("killed: its time was over (script_timeout)")

// Credential is whose rights a command gets.
type Credential struct {
	UID, GID uint32
	Groups   []uint32
}

// Slots bound how many commands run at once; all runners of a process share one.
type Slots chan struct{}

// NewSlots makes room for n commands.
func NewSlots(n int) Slots { return make(Slots, n) }

// Runner runs commands for one sandbox. It may be used concurrently.
type Runner struct {
	// Dir is the working directory, borrowed.
	Dir *sandbox.Dir
	// As is the task's user; nil keeps the process's own rights, for a process that
	// cannot change them.
	As *Credential
	// Timeout is how long a command may take until its group is killed.
	Timeout time.Duration
	Slots   Slots
	// Env is the environment of every command, see Environment.
	Env []string
	Log *slog.Logger
}

// defaultPath is where programs are looked up.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Environment is what the replaced program leaves of the host's environment: all but
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

// Run runs one command and waits for it and its process group to end. It blocks
// while too many others run. A status other than 0, a signal or the end of its time
// is an error.
func (r *Runner) Run(c Command) error {
	r.Slots <- struct{}{}
	defer func() { <-r.Slots }()
	program, err := lookUp(c.Args[0])
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	defer null.Close()
	lines, output, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	logged := r.logLines(c.Name, lines)
	pid, err := r.start(program, c, stdio(c, null, output))
	_ = output.Close()
	if err == nil {
		limit(pid, r.Timeout)
		err = r.wait(pid)
	} else {
		err = fmt.Errorf("start %q: %w", program, err)
	}
	// A process that left the group may keep the pipe open for ever.
	_ = lines.SetReadDeadline(time.Now().Add(lastWords))
	<-logged
	return err
}

// lastWords is how long output is still read after the command has ended.
const lastWords = time.Second

// stdio gives the three descriptors of a command.
func stdio(c Command, null, output *os.File) [3]uintptr {
	in, out := null, output
	if c.Stdin != nil {
		in = c.Stdin
	}
	if c.Stdout != nil {
		out = c.Stdout
	}
	return [3]uintptr{in.Fd(), out.Fd(), output.Fd()}
}

// lookUp finds a program in the fixed search path: that of the host is the host's.
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
