package engine

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// fault is what becomes of one kind of system call on the files of one place.
type fault struct {
	call string
	// errno is what the call fails with; 0: it gets a short result.
	errno unix.Errno
	// beneath is the directory of the descriptor, or the beginning of the file's path.
	beneath string
	// name is how the name begins that the call is given or its file has.
	name string
}

// faults makes system calls of a process that is followed fail while it is active.
type faults struct {
	all      []fault
	active   atomic.Bool
	injected [2]atomic.Int64 // by the place in all
	met      int             // calls
	failing  map[int]unix.Errno
}

// callNumbers are the calls that can be made to fail: which argument is a descriptor,
// which is a name relative to it, and which is a count; -1: none. (Of pipe2 cannot be
// told for whom it is; what it makes is for tee, which fails in its place.)
var callNumbers = map[uint64]struct {
	name            string
	fd, path, count int
}{
	unix.SYS_SPLICE: {"splice", 2, -1, 4}, unix.SYS_PWRITE64: {"pwrite", 0, -1, 2}, unix.SYS_WRITE: {"write", 0, -1, 2},
	unix.SYS_PREAD64: {"pread", 0, -1, 2}, unix.SYS_READ: {"read", 0, -1, 2},
	unix.SYS_OPENAT: {"openat", 0, 1, -1}, unix.SYS_FSTAT: {"fstat", 0, -1, -1},
	unix.SYS_NEWFSTATAT: {"fstatat", 0, 1, -1}, unix.SYS_FTRUNCATE: {"ftruncate", 0, -1, -1},
	unix.SYS_FALLOCATE: {"fallocate", 0, -1, -1}, unix.SYS_RENAMEAT: {"renameat", 0, 1, -1},
	unix.SYS_RENAMEAT2: {"renameat2", 0, 1, -1}, unix.SYS_UNLINKAT: {"unlinkat", 0, 1, -1},
	unix.SYS_FCHMOD: {"fchmod", 0, -1, -1}, unix.SYS_UTIMENSAT: {"utimensat", 0, -1, -1},
	unix.SYS_GETDENTS64: {"getdents", 0, -1, -1}, unix.SYS_SYMLINKAT: {"symlinkat", 1, 2, -1},
	unix.SYS_TEE: {"tee", 0, -1, 2},
}

// shortBytes is what a call gets that is to be short.
const shortBytes = 7

// enter decides at the entry of a call.
func (f *faults) enter(tid int, c call) {
	if f == nil || !f.active.Load() {
		return
	}
	for i, one := range f.all {
		if !one.meets(tid, c) {
			continue
		}
		var regs unix.PtraceRegs
		if unix.PtraceGetRegs(tid, &regs) != nil {
			return
		}
		if f.met++; one.errno == unix.EINTR && f.met%2 == 0 {
			return // no signal comes every time
		}
		if one.errno != 0 {
			regs.Orig_rax = ^uint64(0) // no such call
			f.failing[tid] = one.errno
		} else if !shorten(&regs, callNumbers[c.number].count) {
			continue
		}
		if unix.PtraceSetRegs(tid, &regs) == nil {
			f.injected[i].Add(1)
		}
		return
	}
}

// shorten lowers the argument that is a count.
func shorten(regs *unix.PtraceRegs, argument int) bool {
	register := map[int]*uint64{2: &regs.Rdx, 4: &regs.R8}[argument]
	if register == nil || *register <= shortBytes {
		return false
	}
	*register = shortBytes
	return true
}

// leave gives a call that was kept from happening its error.
func (f *faults) leave(tid int) {
	if f == nil {
		return
	}
	errno, failing := f.failing[tid]
	if !failing {
		return
	}
	delete(f.failing, tid)
	var regs unix.PtraceRegs
	if unix.PtraceGetRegs(tid, &regs) == nil {
		regs.Rax = uint64(-int64(errno))
		_ = unix.PtraceSetRegs(tid, &regs)
	}
}

// meets tells whether a call is one of those.
func (f fault) meets(tid int, c call) bool {
	what, known := callNumbers[c.number]
	if !known || what.name != f.call {
		return false
	}
	path, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", tid, int32(c.args[what.fd])))
	if err != nil || !strings.HasPrefix(path, f.beneath) {
		return false
	}
	if what.path >= 0 {
		path += "/" + textAt(tid, c.args[what.path])
	}
	return strings.HasPrefix(strings.TrimPrefix(path[len(f.beneath):], "/"), f.name)
}

// textAt reads a name in the memory of a process.
func textAt(tid int, address uint64) string {
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", tid))
	if err != nil {
		return ""
	}
	defer memory.Close()
	text := make([]byte, 256)
	n, _ := memory.ReadAt(text, int64(address))
	name, _, _ := bytes.Cut(text[:n], []byte{0})
	return string(name)
}
