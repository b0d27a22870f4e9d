package worker

import (
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// coreDumps keeps the host's choice on core dumps (PR_SET_DUMPABLE). The kernel overrides
// it as soon as a thread's identity changes (commit_creds in kernel/cred.c), for the whole
// process and for good.
//
// So each change is a window, and the flag is put back at its end. It is read at the
// beginning, since the host may change its mind, but only by a thread that opens no window
// within another's: it would take the kernel's choice for the host's. No thread waits for
// another, which may have the lowest priority.
type coreDumps struct {
	windows atomic.Uint64 // how many were opened, times 1<<32, plus how many are open
	wished  atomic.Int64
}

// host is that of this process, read when the package is loaded.
var host = newCoreDumps()

func newCoreDumps() *coreDumps {
	d := &coreDumps{}
	d.open()
	d.shut()
	return d
}

const oneWindow = 1<<32 + 1

// open begins a window of the calling thread.
func (d *coreDumps) open() {
	mine := d.windows.Add(oneWindow)
	if uint32(mine) != 1 {
		return // another's is open
	}
	wish, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err == nil && d.windows.Load() == mine {
		d.wished.Store(int64(wish))
	}
}

// close puts the flag back and ends the window.
func (d *coreDumps) close() {
	if d.wished.Load() == 1 {
		_ = unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
	}
	d.shut()
}

func (d *coreDumps) shut() { d.windows.Add(^uint64(0)) }
