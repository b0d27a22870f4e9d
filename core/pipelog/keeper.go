package pipelog

import (
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	sluicepb "sluice/proto"
)

// memoryKeeper keeps a stream for as long as the process lives (sluice pipe). That is longer than
// the stream has its spill open, since it may be rebuilt after a fault. close releases it.
type memoryKeeper struct{ spill int }

func newMemoryKeeper() *memoryKeeper { return &memoryKeeper{spill: -1} }

// Save does nothing: the stream itself has the record.
func (k *memoryKeeper) Save(*sluicepb.StreamRecord) error { return nil }

func (k *memoryKeeper) Forget() error { return nil }

func (k *memoryKeeper) OpenSpill(create bool) (*os.File, error) {
	if k.spill < 0 && !create {
		return nil, fs.ErrNotExist
	}
	if k.spill < 0 {
		memory, err := unix.MemfdCreate("sluice-spill", unix.MFD_CLOEXEC)
		if err != nil {
			return nil, fmt.Errorf("make a place for dropped output: %w", err)
		}
		k.spill = memory
	}
	fd, err := unix.FcntlInt(uintptr(k.spill), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open the place of dropped output: %w", err)
	}
	return os.NewFile(uintptr(fd), "spill"), nil
}

func (k *memoryKeeper) close() {
	if k.spill >= 0 {
		_ = unix.Close(k.spill)
	}
}
