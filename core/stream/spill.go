package stream

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"sluice/core/worker"
)

// Bytes that are dropped leave the pipe and are in no file afterwards, so a kill
// between that and their account would lose count. They go through a file in the
// state directory, the spill, a chunk at a time:
//
//  1. move a chunk from the pipe to the spill;
//  2. write the record, in which it is counted;
//  3. empty the spill.
//
// Chunks lie by turns at the beginning of the file and at spillStride, so that the
// file's length tells which chunk it is, and with the record, whether it was counted.

const (
	// spillBytes is the most that a chunk has.
	spillBytes = 1 << 20
	// spillStride is where every other chunk begins.
	spillStride = 8 << 20
)

// spill is the file of one stream. The zero value is not open.
type spill struct {
	file *os.File
	// uncounted are the bytes in it that are in no account yet.
	uncounted int
	// owed says that step 2 or 3 has yet to be done for what was counted.
	owed bool
}

// open opens the file, a new one where there is none.
func (p *spill) open(t *worker.Thread, keeper Keeper) error {
	return t.AsHost(func() (err error) {
		if p.file == nil {
			p.file, err = keeper.OpenSpill(true)
		}
		return err
	})
}

func (p *spill) close() {
	if p.file != nil {
		_ = p.file.Close()
		p.file = nil
	}
}

func (p *spill) fd() int { return int(p.file.Fd()) }

// spillStart is where a chunk belongs before which so many were counted.
func spillStart(chunks uint64) int64 { return int64(chunks%2) * spillStride }

// recover finds out what a kill left uncounted: a chunk that begins at start. A file that
// is not there, or empty, has nothing.
func (p *spill) recover(t *worker.Thread, keeper Keeper, start int64) error {
	p.close()
	p.uncounted, p.owed = 0, false
	var size int64
	err := t.AsHost(func() (err error) {
		if p.file, err = keeper.OpenSpill(false); err != nil {
			return err
		}
		size, err = length(p.file)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || size == 0 {
		return err
	}
	if size > start && size <= start+spillStride {
		p.uncounted = int(size - start)
	}
	p.owed = true
	return nil
}

// reserve sees to it that the state directory has room for a chunk of up to wished bytes at
// start, and for the record in which it is counted; it gives what there is room for. A
// chunk that left none for the record could never be counted.
func (p *spill) reserve(start int64, wished int, recordBytes int64) (room int, err error) {
	for room = wished; ; room = max(1, room/2) {
		err := p.allocate(unix.FALLOC_FL_KEEP_SIZE, start, int64(room)+recordBytes)
		if err == nil || room == 1 {
			return room, err
		}
	}
}

// giveReserve frees what was reserved for the record, which is behind the chunk.
func (p *spill) giveReserve() error {
	end, err := length(p.file)
	if err != nil {
		return err
	}
	return p.allocate(unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, end, spillStride)
}

// allocate is fallocate(2) of the file, where there is such a thing.
func (p *spill) allocate(mode uint32, from, count int64) error {
	err := unix.Fallocate(p.fd(), mode, from, count)
	for err == unix.EINTR {
		err = unix.Fallocate(p.fd(), mode, from, count)
	}
	switch err {
	case nil, unix.EOPNOTSUPP, unix.ENOSYS, unix.EINVAL, unix.EPERM:
		return nil
	}
	return fmt.Errorf("make room in state_dir for what is dropped: %w", err)
}

// empty does step 3.
func (p *spill) empty() error {
	if err := p.file.Truncate(0); err != nil {
		return fmt.Errorf("empty the spill: %w", err)
	}
	p.owed = false
	return nil
}

func length(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
