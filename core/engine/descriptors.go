package engine

import "golang.org/x/sys/unix"

// reservedDescriptors are those of well over a thousand containers; the table of so
// many takes 130 KiB of the kernel's memory.
const reservedDescriptors = 16384

// reserveDescriptors has the kernel make the process's table of descriptors large
// enough at once, as far as the host's limit goes. Else it grows at every power of two,
// and each time every thread that opens something waits for all processors to have
// passed a point of rest (expand_fdtable in fs/file.c): 10 to 15 ms in which containers
// start and streams rotate. A kernel that refuses grows the table when it must.
func reserveDescriptors() {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return
	}
	some, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return
	}
	last := min(limit.Cur, reservedDescriptors) - 1
	if fd, err := unix.FcntlInt(uintptr(some), unix.F_DUPFD_CLOEXEC, int(last)); err == nil {
		_ = unix.Close(fd)
	}
	_ = unix.Close(some)
}
