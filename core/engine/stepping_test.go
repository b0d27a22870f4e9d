package engine

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// stepping follows a process from system call to system call with ptrace(2) and
// kills it right after one of those that change something in a directory.
type stepping struct {
	t       *testing.T
	program string // empty: this one
	pid     int
	within  string   // counted are calls that change what is beneath
	killAt  int      // 0: never
	calls   []string // what was counted
	inside  map[int]call
	faults  *faults // nil: none
}

// call is a system call that a thread has entered.
type call struct {
	number uint64
	args   [6]uint64
}

// changing are the calls that change names, or bytes and attributes of files. The
// value tells which argument is the descriptor to be beneath; -1: names, counted in
// any case.
var changing = map[uint64]struct {
	name string
	fd   int
}{
	unix.SYS_RENAMEAT: {"renameat", -1}, unix.SYS_RENAMEAT2: {"renameat2", -1},
	unix.SYS_UNLINKAT: {"unlinkat", -1}, unix.SYS_SYMLINKAT: {"symlinkat", -1},
	unix.SYS_LINKAT: {"linkat", -1}, unix.SYS_MKDIRAT: {"mkdirat", -1},
	unix.SYS_OPENAT: {"openat", -1}, unix.SYS_UTIMENSAT: {"utimensat", -1},
	unix.SYS_FCHMODAT: {"fchmodat", -1}, unix.SYS_FCHOWNAT: {"fchownat", -1},
	unix.SYS_FTRUNCATE: {"ftruncate", 0}, unix.SYS_FCHMOD: {"fchmod", 0}, unix.SYS_FCHOWN: {"fchown", 0},
	unix.SYS_WRITE: {"write", 0}, unix.SYS_PWRITE64: {"pwrite", 0},
	unix.SYS_FALLOCATE: {"fallocate", 0},
	unix.SYS_SPLICE:    {"splice", 2}, unix.SYS_COPY_FILE_RANGE: {"copy_file_range", 2}, unix.SYS_SENDFILE: {"sendfile", 0},
}

// owners are test binaries of this package, of any version, that own a state directory in
// a test of kills; the empty ones are this binary, and nobody.
type owners struct{ killed, next string }

// step runs the owner that is killed, and tells which calls were counted, and whether it
// was killed.
func (o owners) step(t *testing.T, environment []string, within string, killAt int) (calls []string, killed bool) {
	t.Helper()
	return (&stepping{t: t, program: o.killed, within: within, killAt: killAt}).run(environment)
}

// run starts the process and follows it to its end.
func (s *stepping) run(environment []string) (calls []string, killed bool) {
	t := s.t
	t.Helper()
	// ptrace requests come from the thread that started the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	program := cmp.Or(s.program, os.Args[0])
	process, err := os.StartProcess(program, []string{program}, &os.ProcAttr{
		Env:   append(os.Environ(), environment...),
		Files: []*os.File{nil, nil, os.Stderr},
		Sys:   &syscall.SysProcAttr{Ptrace: true, Pdeathsig: syscall.SIGKILL},
	})
	require.NoError(t, err)
	s.pid, s.inside = process.Pid, map[int]call{}
	defer process.Release() //nolint:errcheck // waited for below
	var status unix.WaitStatus
	_, err = unix.Wait4(s.pid, &status, unix.WALL, nil)
	require.NoError(t, err)
	options := unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_EXITKILL
	require.NoError(t, unix.PtraceSetOptions(s.pid, options))
	require.NoError(t, unix.PtraceSyscall(s.pid, 0))
	status = s.follow()
	if s.killAt == 0 {
		require.Equal(t, 0, status.ExitStatus(), "the process that is followed")
	}
	return s.calls, status.Signaled()
}

// follow lets the threads run from stop to stop until the process has ended.
func (s *stepping) follow() unix.WaitStatus {
	known := map[int]bool{s.pid: true}
	for {
		var status unix.WaitStatus
		tid, err := unix.Wait4(-1, &status, unix.WALL|unix.WNOTHREAD, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		require.NoError(s.t, err)
		if status.Exited() || status.Signaled() {
			if tid == s.pid {
				return status
			}
			continue
		}
		signal := status.StopSignal()
		switch {
		case signal == unix.SIGTRAP|0x80:
			s.stop(tid)
			signal = 0
		case signal == unix.SIGTRAP:
			signal = 0 // a new thread
		case signal == unix.SIGSTOP && !known[tid]:
			known[tid] = true
			signal = 0
		}
		// A thread that was killed meanwhile is gone: ESRCH.
		_ = unix.PtraceSyscall(tid, int(signal))
	}
}

// stop looks at the entry or the exit of a system call.
func (s *stepping) stop(tid int) {
	const entry, exit = 1, 2
	var info [88]byte // struct ptrace_syscall_info
	_, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(tid),
		uintptr(len(info)), uintptr(unsafe.Pointer(&info)), 0, 0)
	if errno != 0 {
		return
	}
	word := func(i int) uint64 { return binary.NativeEndian.Uint64(info[24+8*i:]) }
	switch info[0] {
	case entry:
		c := call{number: word(0)}
		for i := range c.args {
			c.args[i] = word(1 + i)
		}
		s.inside[tid] = c
		s.faults.enter(tid, c)
	case exit:
		s.faults.leave(tid)
		c, known := s.inside[tid]
		delete(s.inside, tid)
		if failed := info[32] != 0; known && !failed && s.counts(tid, c) && len(s.calls) == s.killAt {
			require.NoError(s.t, unix.Kill(s.pid, unix.SIGKILL))
		}
	}
}

// counts notes a call if it is one that changes something.
func (s *stepping) counts(tid int, c call) bool {
	what, found := changing[c.number]
	if !found || s.killAt > 0 && len(s.calls) >= s.killAt {
		return false
	}
	if c.number == unix.SYS_OPENAT && c.args[2]&(unix.O_CREAT|unix.O_TRUNC) == 0 {
		return false
	}
	name := what.name
	if what.fd >= 0 {
		path, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", tid, int32(c.args[what.fd])))
		if err != nil || !strings.HasPrefix(path, s.within) {
			return false
		}
		name += " " + filepath.Base(path)
	}
	s.calls = append(s.calls, name)
	return true
}
