package schedule

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The runtime keeps both for others to use as they are here (go.dev/issue/67401). Their
// body is not in this package, which the compiler takes from await.s being there.

//go:linkname entersyscallblock runtime.entersyscallblock
func entersyscallblock()

//go:linkname exitsyscall runtime.exitsyscall
func exitsyscall()

// awaitEvents is epoll_wait(2) without a limit of time, for a wait that is expected to be
// one. unix.EpollWait keeps the processor of Go's scheduler until the runtime's monitor
// takes it away: whoever could run meanwhile waits for that, a launch in particular,
// and the monitor wakes every 20 us to look.
//
// Nothing may grow the stack between the two calls, which have to be made by the same
// function: hence nosplit, and nothing else in it.
//
//go:nosplit
//go:norace
func awaitEvents(epoll int, events []unix.EpollEvent) (n int, errno syscall.Errno) {
	first, room := unsafe.Pointer(unsafe.SliceData(events)), len(events)
	entersyscallblock()
	r, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll), uintptr(first), uintptr(room), ^uintptr(0), 0, 0)
	exitsyscall()
	return int(r), errno
}
