package script

import (
	"fmt"
	"math"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// child is what a process does between fork and exec: system calls, one after the other, by code
// that uses nothing of the Go runtime, which the fork has left behind.
type child struct {
	calls  []call
	failed *[2]uint32 // which call, and its error; written in the child
	report uintptr    // the writing end of a pipe for that
	kept   []unsafe.Pointer
}

// call is one system call.
type call struct {
	step     string // for people
	trap     uintptr
	args     [6]uintptr
	optional bool // the program runs without it as well
}

// add appends a call.
func (c *child) add(step string, trap uintptr, args ...uintptr) {
	next := call{step: step, trap: trap}
	copy(next.args[:], args)
	c.calls = append(c.calls, next)
}

// try appends a call that may fail.
func (c *child) try(step string, trap uintptr, args ...uintptr) {
	c.add(step, trap, args...)
	c.calls[len(c.calls)-1].optional = true
}

// at gives the address of something that lives as long as c. It must be on the heap, and keeping
// it in c sees to that.
func (c *child) at(p unsafe.Pointer) uintptr {
	c.kept = append(c.kept, p)
	return uintptr(p)
}

// text gives the address of a string as C has it. A NUL in it is an error.
func (c *child) text(s string) (uintptr, error) {
	p, err := unix.BytePtrFromString(s)
	if err != nil {
		return 0, fmt.Errorf("%q: %w", s, err)
	}
	return c.at(unsafe.Pointer(p)), nil
}

// texts gives the address of an array of strings as C has it.
func (c *child) texts(all []string) (uintptr, error) {
	array := make([]uintptr, len(all)+1)
	for i, s := range all {
		var err error
		if array[i], err = c.text(s); err != nil {
			return 0, err
		}
	}
	return c.at(unsafe.Pointer(&array[0])), nil
}

// signals sets signals with handlers, which are the host's or the runtime's, back to the default.
// Ignored ones stay ignored, as exec(2) leaves them.
func (c *child) signals() {
	const last = 64
	byDefault := c.at(unsafe.Pointer(new(kernelSigaction)))
	for signal := uintptr(1); signal <= last; signal++ {
		var now kernelSigaction
		_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, signal, 0, uintptr(unsafe.Pointer(&now)), sizeofSigset, 0, 0)
		if errno == 0 && now.handler > ignored {
			c.try("take the handlers of signals back", unix.SYS_RT_SIGACTION, signal, byDefault, 0, sizeofSigset)
		}
	}
}

// kernelSigaction begins as the kernel's structure does on every architecture, and is as long as
// the longest.
type kernelSigaction struct {
	handler uintptr
	_       [4]uint64
}

const (
	sizeofSigset = 8
	ignored      = 1 // SIG_IGN; 0 is the default
)

// identity takes a user's rights for good.
func (c *child) identity(as *Credential) {
	if as == nil {
		return
	}
	groups := make([]uint32, len(as.Groups)+1) // never empty: it has an address
	copy(groups, as.Groups)
	c.add("take the groups of the task's user", unix.SYS_SETGROUPS, uintptr(len(as.Groups)), c.at(unsafe.Pointer(&groups[0])))
	gid, uid := uintptr(as.GID), uintptr(as.UID)
	c.add("take the group of the task's user", unix.SYS_SETRESGID, gid, gid, gid)
	c.add("take the id of the task's user", unix.SYS_SETRESUID, uid, uid, uid)
}

// descriptors leaves the program these three, which are all over 2, and no other.
func (c *child) descriptors(files [3]uintptr) {
	for i, fd := range files {
		c.add("set up the standard descriptors", unix.SYS_DUP3, fd, uintptr(i), 0)
	}
	c.add("mark descriptors close-on-exec (Linux 5.11)", unix.SYS_CLOSE_RANGE, uintptr(len(files)), math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
}

// limits bounds what the program may use.
func (c *child) limits(bounds map[int]uint64) {
	for resource, most := range bounds {
		limit := &unix.Rlimit{Cur: most, Max: most}
		c.try("limit the program", unix.SYS_PRLIMIT64, 0, uintptr(resource), c.at(unsafe.Pointer(limit)), 0)
	}
	c.try("lower the program's priority", unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, 0, niceness)
}

// fork makes a child that carries out the calls. The caller must be locked to its thread and
// have blocked all signals on it: a handler of the host must not run in the child. pidfd takes a
// descriptor of the child, close-on-exec.
//
// The child has a copy of the process's memory and of its table of descriptors. It does not share
// them, as it would after vfork(2): the task could stop a process that has its user id and the
// host's memory, or read that memory, and the kernel would make the host undumpable. And a child
// that hangs holds nobody up.
//
//go:nosplit
//go:norace
//go:noinline
func (c *child) fork(pidfd *int32) (pid uintptr, errno syscall.Errno) {
	calls, failed, report := c.calls, c.failed, c.report
	pid, _, errno = syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD)|unix.CLONE_PIDFD, 0, uintptr(unsafe.Pointer(pidfd)), 0, 0, 0)
	if errno != 0 || pid != 0 {
		return pid, errno
	}
	for i := range calls {
		next := &calls[i]
		_, _, errno = syscall.RawSyscall6(next.trap, next.args[0], next.args[1], next.args[2], next.args[3], next.args[4], next.args[5])
		if errno != 0 && !next.optional {
			failed[0], failed[1] = uint32(i), uint32(errno)
			break
		}
	}
	_, _, _ = syscall.RawSyscall6(unix.SYS_WRITE, report, uintptr(unsafe.Pointer(failed)), unsafe.Sizeof(*failed), 0, 0, 0)
	for {
		_, _, _ = syscall.RawSyscall6(unix.SYS_EXIT_GROUP, 127, 0, 0, 0, 0, 0)
	}
}
