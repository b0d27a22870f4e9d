package stream

import (
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
	s.writeTimes(now)
	if took := s.Now().Sub(now); took > hangs {
		s.account.blockedFor(took)
	}
	return next
}

// service does what the phase asks for.
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
	return s.serve(t, now, wished)
}

// serve takes what is in the pipe, and says when to look again.
func (s *Stream) serve(t *worker.Thread, now time.Time, wished time.Duration) Next {
	moved, err := s.drain(t, now)
	if s.live.strayed {
		s.saveAsked(t)
	}
	elapsed := now.Sub(s.flow.last)
	s.flow.last = now
	switch {
	case errors.Is(err, errMisplaced):
		return Next{Commands: true}
	case err != nil && !stopped(err):
		return s.failed(t, now, "write "+s.Name, err)
	}
	s.recovered(now)
	switch {
	case errors.Is(err, io.EOF) && s.owesUnattended():
		return s.beginUnattended(now)
	case errors.Is(err, io.EOF):
		return s.finish(t)
	case errors.Is(err, errRateReached):
		return Next{After: s.flow.rate.wait(), Backoff: true}
	case errors.Is(err, errEffortSpent):
		return Next{After: s.series.effort.wait(now), Backoff: true}
	case moved == 0 && s.flow.flood:
		// The writer was only just faster than we are: it is no silence yet.
		s.flow.flood = false
		return Next{After: pump.SoonPause, Busy: true}
	case moved == 0:
		return Next{Idle: true}
	}
	return s.pause(moved, elapsed, wished)
}

// stopped tells that drain stopped for a reason that is no failure.
func stopped(why error) bool {
	return errors.Is(why, pump.ErrEmpty) || errors.Is(why, io.EOF) || errors.Is(why, errRateReached) || errors.Is(why, errEffortSpent)
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
