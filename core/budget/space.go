package budget

import (
	"sync/atomic"
	"time"

	"sluice/core/sandbox"
	"sluice/core/settings"
)

const (
	// lookAtLeast is how often to check the free space of a file system while something
	// is written, however little: a neighbour may fill it.
	lookAtLeast = time.Second
	// Between two looks, one part in lookShare of the free space beyond what must stay may
	// be written, and at least lookBytes.
	lookShare = 8
	lookBytes = 1 << 20
)

// space is a file system with sandboxes, and whether enough of it is free.
type space struct {
	device        uint64
	missingBytes  atomic.Int64 // at the last look
	reservedBytes atomic.Int64 // about to be deleted
	written       atomic.Int64 // since the last look
	nextBytes     atomic.Int64 // look again once this much is written
	looked        atomic.Int64 // by the clock
}

// spaceOfLocked gives the space of a device.
func (b *Budget) spaceOfLocked(device uint64) *space {
	s := b.spaces[device]
	if s == nil {
		s = &space{device: device}
		b.spaces[device] = s
	}
	return s
}

// lackingBytes is what is missing beyond what is about to be deleted.
func (s *space) lackingBytes() int64 { return s.missingBytes.Load() - s.reservedBytes.Load() }

// serviced looks at the free space when it is time. dir lies on the file system, and the
// caller is one of its worker threads.
func (s *space) serviced(want settings.Free, dir *sandbox.Dir, grown int64, now time.Time, warn func(string, error)) {
	written := s.written.Add(grown)
	looked := s.looked.Load()
	if written < s.nextBytes.Load() && clock(now)-time.Duration(looked) < lookAtLeast {
		return
	}
	if s.looked.CompareAndSwap(looked, int64(clock(now))) {
		s.look(want, dir, warn)
	}
}

// look compares what is free with what is wanted.
func (s *space) look(want settings.Free, dir *sandbox.Dir, warn func(string, error)) {
	s.written.Store(0)
	free, total, err := dir.Space()
	if err != nil {
		warn("node_min_free cannot be kept", err)
		return
	}
	beyond := free - want.Of(total)
	s.missingBytes.Store(max(0, -beyond))
	s.nextBytes.Store(max(lookBytes, beyond/lookShare))
}

// freed counts files that were deleted, until the next look knows better.
func (s *space) freed(sizeBytes int64) {
	for {
		missing := s.missingBytes.Load()
		if s.missingBytes.CompareAndSwap(missing, max(0, missing-sizeBytes)) {
			return
		}
	}
}
