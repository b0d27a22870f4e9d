package stream

import (
	"bytes"
	"errors"
	"io"
	"time"

	"sluice/core/pump"
	"sluice/core/worker"
)

// drain moves bytes until the pipe is nearly empty, the quantum or the rate is used
// up, or something fails. The error says why it stopped: nil, pump.ErrEmpty, io.EOF,
// errRateReached, errEffortSpent, errMisplaced or what failed.
func (s *Stream) drain(t *worker.Thread, now time.Time) (moved int, err error) {
	began, last := time.Now(), s.series.replaced+s.rotationsAtOnce()
	for moved < quantumBytes {
		if s.series.replaced >= last || moved > 0 && time.Since(began) > quantumTime {
			// More is waiting, so that the next look comes at once.
			s.flow.flood = true
			return moved, nil
		}
		budget := s.flow.rate.allowance(now)
		if budget == 0 {
			return moved, errRateReached
		}
		n, err := s.step(t, now, min(budget, quantumBytes))
		s.flow.rate.spend(n)
		moved += n
		if s.outlived(err) {
			continue
		}
		if err != nil || n == 0 {
			return moved, err
		}
		// The writer goes on while we copy: what came meanwhile is left for the
		// next look. After a cut more is waiting for the next file.
		if n < s.CapacityBytes/2 && !s.flow.cut {
			return moved, nil
		}
	}
	return moved, nil
}

// step makes room if need be and moves once, at most budget bytes. It reports
// (0, pump.ErrEmpty) where there is nothing and (0, io.EOF) at the end.
func (s *Stream) step(t *worker.Thread, now time.Time, budget int) (moved int, err error) {
	for {
		if s.phase == discarding {
			return s.drop(budget)
		}
		if s.series.carried != "" && s.misplaced(t) {
			return 0, errMisplaced
		}
		if err := s.finishCarry(now); err != nil {
			return 0, s.unrotated(err)
		}
		size, err := s.follow()
		if err != nil {
			return 0, err
		}
		count, err := s.fitting(size, budget)
		if err != nil {
			return 0, err
		}
		if count > 0 {
			return s.move(size, count)
		}
		if s.Settings.FirstBytes > 0 {
			if err := s.endFirst(t, size); err != nil {
				return 0, err
			}
			continue
		}
		if s.series.effort.wait(now) > 0 {
			return 0, errEffortSpent
		}
		if s.misplaced(t) {
			return 0, errMisplaced
		}
		if err := s.rotate(t, now, size); err != nil {
			return 0, s.unrotated(err)
		}
	}
}

// move moves count bytes to the end of the live file, which is size bytes long.
func (s *Stream) move(size int64, count int) (moved int, err error) {
	moved, err = s.scratch.Splice(s.Pipe, s.live.fd, size, count)
	if err != nil && moved == 0 && !errors.Is(err, pump.ErrEmpty) && !errors.Is(err, io.EOF) {
		moved, err = s.squeeze(size, count, err)
	}
	s.account.writtenBytes.Add(int64(moved))
	s.live.own.wrote(size, moved)
	s.wrote(size, moved)
	s.timeMoved()
	s.sawLive(size+int64(moved), s.shown.liveDisk.Load()+int64(moved))
	return moved, err
}

// drop takes bytes that have no place any more, and counts them.
func (s *Stream) drop(budget int) (taken int, err error) {
	lines := 0
	taken, err = s.scratch.Discard(s.Pipe, budget, func(chunk []byte) {
		lines += bytes.Count(chunk, []byte{'\n'})
	})
	s.account.drop(s.discardCause, taken, lines)
	if taken > 0 {
		return taken, nil
	}
	return 0, err
}
