package script

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"sluice/core/guard"
)

// process is a command that was started. Its id, which is also that of its group, belongs to it
// until it has been reaped.
type process struct {
	pid    int
	handle *os.File // a pidfd
	guard  *guard.Guard
}

// start starts the program. It does not wait for exec(2): the result of that comes from the
// progress, which the caller takes.
//
// It does not use os/exec: the host's own descriptors need not be close-on-exec, and must not be
// changed. Nor does it give a thread a table of descriptors of its own: Go never ends the first
// thread of the process, and parks others, so that a copy of every descriptor of the host could
// stay for ever.
func (r *Runner) start(program string, c Command, files [3]uintptr) (p *process, way *progress, err error) {
	way, writing, err := newProgress()
	if err != nil {
		return nil, nil, err
	}
	defer writing.Close()
	plan := &child{failed: &[2]uint32{}, report: writing.Fd()}
	if err = r.plan(plan, program, c, files); err == nil {
		p, err = plan.start()
	}
	if p != nil {
		p.guard = r.guarding()
	}
	if err != nil {
		way.close()
		return nil, nil, err
	}
	way.steps = plan.calls
	return p, way, nil
}

// plan says what the child does.
func (r *Runner) plan(plan *child, program string, c Command, files [3]uintptr) error {
	path, err := plan.text(program)
	if err != nil {
		return err
	}
	dir, err := plan.text(r.Dir.WorkingDir())
	if err != nil {
		return err
	}
	args, err := plan.texts(c.Args)
	if err != nil {
		return err
	}
	env, err := plan.texts(append(append([]string{}, r.Env...), c.Env...))
	if err != nil {
		return err
	}
	plan.signals()
	plan.add("make a process group", unix.SYS_SETPGID, 0, 0)
	plan.identity(r.As)
	plan.add("go to the sandbox", unix.SYS_CHDIR, dir)
	plan.descriptors(files)
	if !r.Unbounded {
		plan.limits(bounds(r.Timeout))
	}
	mask := &unix.Sigset_t{}
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, nil, mask); err != nil {
		return fmt.Errorf("read which signals are blocked: %w", err)
	}
	plan.add("let signals in", unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, plan.at(unsafe.Pointer(mask)), 0, sizeofSigset)
	plan.add("exec", unix.SYS_EXECVE, path, args, env)
	return nil
}

const (
	maxOpenFiles = 256
	niceness     = 10
)

// bounds are the limits of a program.
func bounds(timeout time.Duration) map[int]uint64 {
	files := uint64(maxOpenFiles)
	var now unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &now) == nil {
		files = min(files, now.Max)
	}
	return map[int]uint64{
		unix.RLIMIT_CORE: 0, unix.RLIMIT_CPU: uint64(math.Ceil(timeout.Seconds())) + 1, unix.RLIMIT_NOFILE: files,
	}
}

// start forks.
func (c *child) start() (*process, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, before unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = math.MaxUint64
	}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, &before); err != nil {
		return nil, fmt.Errorf("block signals for a fork: %w", err)
	}
	pidfd := int32(-1)
	pid, errno := c.fork(&pidfd)
	runtime.KeepAlive(c)
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil); err != nil {
		return nil, fmt.Errorf("let signals in again after a fork: %w", err)
	}
	if errno != 0 {
		return nil, fmt.Errorf("fork: %w", errno)
	}
	_ = unix.SetNonblock(int(pidfd), true)
	return &process{pid: int(pid), handle: os.NewFile(uintptr(pidfd), "process")}, nil
}

// progress is what a child reports on its way to the program: nothing but the end of the pipe if
// it got there.
type progress struct {
	pipe  *os.File
	steps []call
}

func newProgress() (reading *progress, writing *os.File, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	moved, err := over2(w)
	if err != nil {
		_ = r.Close()
		return nil, nil, err
	}
	return &progress{pipe: r}, moved, nil
}

// wait waits until the program runs, but not beyond deadline, and closes the pipe.
func (w *progress) wait(deadline time.Time) error {
	defer w.close()
	_ = w.pipe.SetReadDeadline(deadline)
	var failed [8]byte
	_, err := io.ReadFull(w.pipe, failed[:])
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ErrTimeout
	case err != nil:
		return fmt.Errorf("hear from the child: %w", err)
	}
	step, errno := binary.NativeEndian.Uint32(failed[:4]), unix.Errno(binary.NativeEndian.Uint32(failed[4:]))
	if name := w.steps[step].step; name != "exec" {
		return fmt.Errorf("%s: %w", name, errno)
	}
	return errno
}

func (w *progress) close() { _ = w.pipe.Close() }

// over2 gives f a descriptor that is not one of the standard three, which a host need not have. It
// takes f.
func over2(f *os.File) (*os.File, error) {
	if f.Fd() > 2 {
		return f, nil
	}
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("leave the standard descriptors alone: %w", err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}
