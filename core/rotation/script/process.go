package script

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// start starts the program and gives its process id, which is also its group's.
//
// os/exec is not used: the host's own descriptors need not be close-on-exec, and
// must not be changed. So the fork is made from a thread that has a descriptor table
// of its own (unshare(2), CLONE_FILES), in which all but the three are marked
// close-on-exec. The thread ends with the goroutine, and its table with it. Nothing
// is closed in it before: Go's scheduler may use its epoll descriptors on any thread.
func (r *Runner) start(program string, c Command, files [3]uintptr) (int, error) {
	type result struct {
		pid int
		err error
	}
	started := make(chan result, 1)
	go func() {
		runtime.LockOSThread() // never unlocked
		pid, err := r.forkFromPrivateTable(program, c, files)
		started <- result{pid, err}
	}()
	got := <-started
	return got.pid, got.err
}

func (r *Runner) forkFromPrivateTable(program string, c Command, files [3]uintptr) (int, error) {
	if err := unix.Unshare(unix.CLONE_FILES); err != nil {
		return 0, fmt.Errorf("private descriptor table: %w", err)
	}
	if err := unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return 0, fmt.Errorf("mark descriptors close-on-exec (Linux 5.11): %w", err)
	}
	attr := &syscall.ProcAttr{
		Dir:   r.Dir.WorkingDir(),
		Env:   append(append([]string{}, r.Env...), c.Env...),
		Files: files[:],
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	}
	if r.As != nil {
		attr.Sys.Credential = &syscall.Credential{Uid: r.As.UID, Gid: r.As.GID, Groups: r.As.Groups}
	}
	return syscall.ForkExec(program, c.Args, attr)
}

// wait waits for the process and leaves none of its group behind.
func (r *Runner) wait(pid int) error {
	exited := make(chan error, 1)
	go func() { exited <- awaitExit(pid) }()
	timer := time.NewTimer(r.Timeout)
	defer timer.Stop()
	var late error
	select {
	case err := <-exited:
		return r.reap(pid, errors.Join(late, err))
	case <-timer.C:
		late = ErrTimeout
		_ = unix.Kill(-pid, unix.SIGKILL)
	}
	return r.reap(pid, errors.Join(late, <-exited))
}

// awaitExit returns when the process has ended, and leaves it to be reaped: until
// then its id, and that of its group, belong to nobody else.
func awaitExit(pid int) error {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// reap kills what is left of the group and takes the exit status.
func (r *Runner) reap(pid int, before error) error {
	_ = unix.Kill(-pid, unix.SIGKILL)
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(pid, &status, 0, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return errors.Join(before, fmt.Errorf("wait for process %d: %w", pid, err))
		}
		break
	}
	switch {
	case before != nil:
		return before
	case status.Signaled():
		return fmt.Errorf("ended by signal %s", unix.SignalName(status.Signal()))
	case status.ExitStatus() != 0:
		return fmt.Errorf("exit status %d", status.ExitStatus())
	}
	return nil
}

const (
	maxOpenFiles = 256
	niceness     = 10
)

// limit bounds what a command may use. It is in force from shortly after the start;
// a command that is over by then needs no limit.
func limit(pid int, timeout time.Duration) {
	seconds := uint64(math.Ceil(timeout.Seconds())) + 1
	for resource, most := range map[int]uint64{
		unix.RLIMIT_CORE: 0, unix.RLIMIT_CPU: seconds, unix.RLIMIT_NOFILE: maxOpenFiles,
	} {
		_ = unix.Prlimit(pid, resource, &unix.Rlimit{Cur: most, Max: most}, nil)
	}
	_ = unix.Setpriority(unix.PRIO_PROCESS, pid, niceness)
}

// Own is the credential of this process, for tests and hosts without privilege.
func Own() *Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	return &Credential{UID: 0, GID: uint32(os.Getegid())}
}
