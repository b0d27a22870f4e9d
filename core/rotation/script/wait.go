package script

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// until sets when to kill the process if it has not ended. It may be called during wait.
func (p *process) until(deadline time.Time) { _ = p.handle.SetReadDeadline(deadline) }

// wait waits for the process and leaves none of its group behind. No thread is held
// meanwhile.
func (p *process) wait() error {
	defer p.handle.Close()
	err := p.awaitExit()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		_ = p.handle.SetReadDeadline(time.Time{})
		p.kill()
		err = errors.Join(ErrTimeout, p.awaitExit())
	}
	return p.reap(err)
}

// kill ends the group, if it is one by now, and the process. Worker threads have given up the
// right to end another user's processes (CAP_KILL); the host's have not.
func (p *process) kill() {
	done := make(chan struct{})
	p.guard.Go("end what is left of a command", func() {
		defer close(done)
		_ = unix.Kill(-p.pid, unix.SIGKILL)
		_ = unix.Kill(p.pid, unix.SIGKILL)
	})
	<-done
}

// awaitExit returns when the process has ended, and does not reap it: until that is done, its id
// and that of its group belong to nobody else.
func (p *process) awaitExit() error {
	conn, err := p.handle.SyscallConn()
	if err != nil {
		return fmt.Errorf("wait for process %d: %w", p.pid, err)
	}
	var failed error
	err = conn.Read(func(uintptr) (done bool) {
		var info unix.Siginfo
		failed = unix.Waitid(unix.P_PID, p.pid, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
		return failed != nil && !errors.Is(failed, unix.EINTR) || info.Signo != 0
	})
	if err == nil {
		err = failed
	}
	return err
}

// fail ends a process that did not become the program.
func (p *process) fail() {
	defer p.handle.Close()
	_ = p.reap(nil) // how it ended says nothing
}

// reap kills what is left of the group and takes the exit status.
func (p *process) reap(before error) error {
	p.kill()
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(p.pid, &status, 0, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return errors.Join(before, fmt.Errorf("wait for process %d: %w", p.pid, err))
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

// Own is the credential of this process, for tests and hosts without privilege.
func Own() *Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	return &Credential{UID: 0, GID: uint32(os.Getegid())}
}
