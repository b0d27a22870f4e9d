package pump

import "golang.org/x/sys/unix"

const (
	// defaultPipeBytes is what a new pipe has (pipe(7)).
	defaultPipeBytes = 64 << 10
	// maxPipeBytes is far below where F_SETPIPE_SZ wraps around.
	maxPipeBytes = 1 << 30
)

// Capacity is the size of the pipe in bytes. The container may change it with its
// own descriptor at any time.
func Capacity(pipe int) int {
	n, err := unix.FcntlInt(uintptr(pipe), unix.F_GETPIPE_SZ, 0)
	if err != nil {
		return 0
	}
	return n
}

// Enlarge gives a pipe the wished capacity, or the largest power of two below that
// the kernel allows, and tells what it has now, both in bytes.
func Enlarge(pipe int, wishedBytes int) int {
	for size := min(wishedBytes, maxPipeBytes); size > defaultPipeBytes; size /= 2 {
		if n, err := unix.FcntlInt(uintptr(pipe), unix.F_SETPIPE_SZ, size); err == nil {
			return n
		}
	}
	if wishedBytes < defaultPipeBytes {
		_, _ = unix.FcntlInt(uintptr(pipe), unix.F_SETPIPE_SZ, wishedBytes)
	}
	return Capacity(pipe)
}
