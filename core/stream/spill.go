package stream

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"sluice/core/pump"
	"sluice/core/worker"
	sluicepb "sluice/proto"
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

// openSpill opens the file, empty.
func (s *Stream) openSpill(t *worker.Thread) error {
	return t.AsHost(func() (err error) {
		if s.spill == nil {
			s.spill, err = s.Keeper.OpenSpill(true)
		}
		return err
	})
}

func (s *Stream) closeSpill() {
	if s.spill != nil {
		_ = s.spill.Close()
		s.spill = nil
	}
}

// spillStart is where the next chunk belongs.
func (s *Stream) spillStart() int64 {
	return int64(s.Record.GetAccounting().GetSpilledChunks()%2) * spillStride
}

// lose drops up to budget bytes, but no more than a chunk. Errors as pump.Splice, or
// of the state directory.
func (s *Stream) lose(t *worker.Thread, budget int) (count int, err error) {
	if err := s.openSpill(t); err != nil {
		return 0, err
	}
	// What could not be counted before comes first.
	if err := s.countSpilled(t); err != nil {
		return 0, err
	}
	buffered, err := s.scratch.Ready(s.Pipe)
	if err != nil {
		return 0, err
	}
	room, err := s.reserve(min(budget, buffered, spillBytes))
	if err != nil {
		return 0, err
	}
	count, err = s.scratch.Splice(s.Pipe, int(s.spill.Fd()), s.spillStart(), room)
	if count == 0 {
		return 0, err
	}
	s.spilled = count
	return count, s.countSpilled(t)
}

// reserve sees to it that the state directory has room for a chunk of up to wished
// bytes, and for the record in which it is counted; it gives what there is room for. A
// chunk that left none for the record could never be counted.
func (s *Stream) reserve(wished int) (room int, err error) {
	for room = wished; ; room = max(1, room/2) {
		err := s.allocate(unix.FALLOC_FL_KEEP_SIZE, s.spillStart(), int64(room)+s.recordBytes())
		if err == nil || room == 1 {
			return room, err
		}
	}
}

// giveReserve frees what was reserved for the record, which is behind the chunk.
func (s *Stream) giveReserve() error {
	end, err := length(s.spill)
	if err != nil {
		return err
	}
	return s.allocate(unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, end, spillStride)
}

// allocate is fallocate(2) of the spill, where there is such a thing.
func (s *Stream) allocate(mode uint32, from, count int64) error {
	err := unix.Fallocate(int(s.spill.Fd()), mode, from, count)
	for err == unix.EINTR {
		err = unix.Fallocate(int(s.spill.Fd()), mode, from, count)
	}
	switch err {
	case nil, unix.EOPNOTSUPP, unix.ENOSYS, unix.EINVAL, unix.EPERM:
		return nil
	}
	return fmt.Errorf("make room in state_dir for what is dropped: %w", err)
}

// recordBytes is more than the record takes on a disk, also with another in it (Interlude).
func (s *Stream) recordBytes() int64 { return 16<<10 + 2*int64(len(s.Settings.OptionsText)) }

// countSpilled does steps 2 and 3 for what is in the spill. It can be repeated.
func (s *Stream) countSpilled(t *worker.Thread) error {
	if s.spilled > 0 {
		lines, ended, err := pump.CountLines(int(s.spill.Fd()), s.spillStart(), s.spilled)
		if err != nil {
			return fmt.Errorf("read what was dropped: %w", err)
		}
		s.gap.Bytes += int64(s.spilled)
		s.gap.Lines += int64(lines)
		s.gap.WithinLine = !ended
		s.Record.GetAccounting().SpilledChunks++
		s.account.drop(understood(s.gap.GetCause()), s.spilled, lines)
		s.spilled, s.owed = 0, true
	}
	if !s.owed {
		return nil
	}
	if err := s.giveReserve(); err != nil {
		return err
	}
	if err := s.save(t); err != nil {
		return err
	}
	if err := s.spill.Truncate(0); err != nil {
		return fmt.Errorf("empty the spill: %w", err)
	}
	s.owed = false
	return nil
}

// recoverSpill counts the chunk that a kill left uncounted.
func (s *Stream) recoverSpill(t *worker.Thread) error {
	s.closeSpill()
	s.spilled, s.owed = 0, false
	var size int64
	err := t.AsHost(func() (err error) {
		if s.spill, err = s.Keeper.OpenSpill(false); err != nil {
			return err
		}
		size, err = length(s.spill)
		return err
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case size == 0:
		return nil
	}
	if start := s.spillStart(); size > start && size <= start+spillStride {
		s.spilled = int(size - start)
	}
	s.owed = true
	if s.gap == nil && s.spilled > 0 {
		// Only a record that somebody else wrote has none here.
		s.gap = &sluicepb.Gap{SinceUnixNano: s.Now().UnixNano()}
		s.Record.GetAccounting().Gap = s.gap
	}
	return s.countSpilled(t)
}

func length(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
