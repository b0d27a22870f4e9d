package schedule

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The runtime keeps both for others to use as they are here (go.dev/issue/67401). Their bodies
// are not in this package; the compiler accepts that because there is an await.s.

//go:linkname entersyscallblock runtime.entersyscallblock
func entersyscallblock()

//go:linkname exitsyscall runtime.exitsyscall
func exitsyscall()

// awaitEvents is epoll_wait(2) without a timeout, for a wait that will really have to wait.
// unix.EpollWait keeps the processor of Go's scheduler until the runtime's monitor takes it
// away. Whoever could run meanwhile, a launch in particular, waits for that, and the monitor
// wakes every 20 us to look.
//
// Nothing may grow the stack between the two calls, and the same function has to make both:
// hence nosplit, and nothing else in here.
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
