package stream

import (
	"bytes"
	"errors"
	"io"
	"time"

	"sluice/core/pump"
	"sluice/core/worker"
)

const (
	// quantumBytes is the most that one visit moves before other streams get
	// their turn: a millisecond or so of copying.
	quantumBytes = 4 << 20
	// quantumRotations is how often one visit rotates at most: a task may have a
	// limit of one page.
	quantumRotations = 32
	// quantumTime is after how long a visit begins nothing more, whatever it was that
	// took so long.
	quantumTime = 20 * time.Millisecond
)

// Next says when a stream wants to be looked at again.
type Next struct {
	// Ended is true once the last byte is in the file; the stream is closed.
	Ended bool
	// Idle is true where nothing came: look again when the pipe tells.
	Idle bool
	// After is the time until the next look otherwise; 0 is at once.
	After time.Duration
	// Backoff is true where the pipe must be left alone for all of After, whatever
	// comes: the rate is reached, or something failed.
	Backoff bool
	// Parked is true where the stream has ended and waits for its compressions: look again
	// when a rotation.Task has returned.
	Parked bool
	// Commands is true where the next look has to be on a thread that may run commands
	// (worker.Thread.Commands), and at once.
	Commands bool
	// Busy is true where so much came that more is to be expected.
	Busy bool
}

// flow is how fast a stream is read.
type flow struct {
	rate  bucket    // at most
	last  time.Time // of the last look
	cut   bool      // more was in the pipe than fitted into the file
	flood bool      // the pipe was found nearly full, and since then not nearly empty
}

// Service moves what is in the pipe to the live file and rotates it as needed; a visit is
// one call of it. wished is the pause that the load of the whole process asks for. It runs
// on a worker thread with the identity of the task's user; refused is the reason where the
// thread could not take it.
func (s *Stream) Service(t *worker.Thread, refused error, now time.Time, wished time.Duration) Next {
	s.account.visits.Add(1)
	s.scratch = t.Scratch()
	if s.asked.rotation.Load() != nil && s.misplaced(t) {
		return Next{Commands: true}
	}
	s.shown.visiting.Store(s.age(now))
	defer s.shown.visiting.Store(0) // also after a fault
	s.rotateAsked(t, refused, now)
	next := s.service(t, refused, now, wished)
	s.countWaiting(now)
	if took := s.Now().Sub(now); took > hangs {
		s.account.blockedFor(took)
	}
	return next
}

func (s *Stream) service(t *worker.Thread, refused error, now time.Time, wished time.Duration) Next {
	if s.Over() {
		return s.finish(t)
	}
	if err := s.resume(t); err != nil {
		return s.uncounted(err)
	}
	switch {
	case s.phase == discarding: // no file is touched any more
	case s.phase == dropping:
		return s.serviceLoss(t, refused, now, wished)
	case s.givenUp:
		return s.beginLoss(t, now, "serve "+s.Name, errFault)
	case refused != nil:
		return s.failed(t, now, "act as the task's user", refused)
	case !s.opened:
		if err := s.Open(t, false); err != nil {
			return s.failed(t, now, "open "+s.Name, err)
		}
	}
	s.saveAsked(t)
	if err := s.periodic(t, now); errors.Is(err, errMisplaced) {
		return Next{Commands: true}
	} else if err != nil && !s.outlived(err) {
		return s.failed(t, now, "rotate "+s.Name, err)
	}
	moved, err := s.drain(t, now)
	if s.live.strayed {
		s.saveAsked(t)
	}
	elapsed := now.Sub(s.flow.last)
	s.flow.last = now
	switch {
	case errors.Is(err, io.EOF):
		s.recovered(now)
		if s.owesUnattended() {
			return s.beginUnattended(now)
		}
		return s.finish(t)
	case errors.Is(err, errMisplaced):
		return Next{Commands: true}
	case errors.Is(err, errRateReached):
		s.recovered(now)
		return Next{After: s.flow.rate.wait(), Backoff: true}
	case errors.Is(err, errEffortSpent):
		s.recovered(now)
		return Next{After: s.series.effort.wait(now), Backoff: true}
	case err != nil && !errors.Is(err, pump.ErrEmpty):
		return s.failed(t, now, "write "+s.Name, err)
	}
	s.recovered(now)
	switch {
	case moved == 0 && s.flow.flood:
		// The writer was only just faster than we are: it is no silence yet.
		s.flow.flood = false
		return Next{After: pump.SoonPause, Busy: true}
	case moved == 0:
		return Next{Idle: true}
	}
	return s.pause(moved, elapsed, wished)
}

// pause tells when to look again after bytes were moved. Where the pipe was found
// nearly full its writer may have been waiting, and how fast it is cannot be known:
// then there is no pause, until a look finds little.
func (s *Stream) pause(moved int, elapsed, wished time.Duration) Next {
	much := moved >= s.CapacityBytes/muchShare
	s.flow.flood = moved >= s.CapacityBytes*3/4 || s.flow.flood && moved >= s.CapacityBytes/floodShare
	if s.flow.flood {
		return Next{Busy: true}
	}
	return Next{After: pump.Pause(wished, moved, s.CapacityBytes, elapsed), Busy: much}
}

const (
	// muchShare of the pipe in one visit makes a stream busy.
	muchShare = 8
	// floodShare of the pipe in one visit is enough to go on without a pause.
	floodShare = 16
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
