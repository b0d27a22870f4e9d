package stream

import "fmt"

// phase is what a stream is doing. It is in one at a time, and enter alone changes it:
//
//	from \ to   resuming  serving  backingOff  dropping  discarding  ended  closed
//	resuming              account              a gap in  drained,    it was again
//	                      resumed              it        no sandbox  parked
//	serving     rebuilt            a write     fault, or no sandbox, end
//	                               fails       at once   first bytes
//	backingOff  rebuilt   a write            on_full     the same
//	                      works                drop
//	dropping    rebuilt   marked                         the same,   end
//	                                                     2nd GiveUp
//	discarding                                                       end
//	ended       rebuilt
//
// Every phase may become closed, and none comes after that.
//
// What is no phase, because it may be so in several: opened says that the files could be
// opened, givenUp that there were faults again and again.
type phase int32

const (
	// resuming: what the record tells has not been gone on from. Nothing leaves the pipe, as
	// it could not be counted.
	resuming phase = iota
	// serving: what comes is written.
	serving
	// backingOff: writing fails. What comes waits in the pipe, for full_wait or until it works.
	backingOff
	// dropping: what comes is dropped, and counted in the record. The gap ends with a mark.
	dropping
	// discarding: what comes is dropped until the container ends, and counted in memory; no
	// file is touched any more. Stream.discardCause says why.
	discarding
	// ended: the container has closed the pipe, and its last byte is where it belongs.
	// Compressions may be under way; while they are, the stream is parked.
	ended
	// closed: the descriptors are released. What is kept of an ended stream is forgotten now.
	closed
	phases = iota
)

var phaseNames = [phases]string{"resuming", "serving", "backing off", "dropping", "discarding", "ended", "closed"}

func (p phase) String() string { return phaseNames[p] }

// follows are the phases that may come after each.
var follows = [phases][]phase{
	resuming:   {serving, dropping, discarding, ended, closed},
	serving:    {resuming, backingOff, dropping, discarding, ended, closed},
	backingOff: {resuming, serving, dropping, discarding, closed},
	dropping:   {resuming, serving, discarding, ended, closed},
	discarding: {ended, closed},
	ended:      {resuming, closed},
}

// may says that next may come after p.
func (p phase) may(next phase) bool {
	for _, allowed := range follows[p] {
		if next == allowed {
			return true
		}
	}
	return false
}

// enter changes the phase. One that the table does not have is a fault in the stream's own
// code, and is handled as every other. Entering the phase that it is in changes nothing.
func (s *Stream) enter(next phase) {
	if next == s.phase {
		return
	}
	if !s.phase.may(next) {
		panic(fmt.Sprintf("a stream that is %v cannot become %v", s.phase, next))
	}
	s.phase = next
	s.shown.dropping.Store(next == dropping || next == discarding && s.discardCause != Discarded)
}

// discard has what comes dropped until the container ends. The first cause stays.
func (s *Stream) discard(cause Cause) {
	if s.phase == discarding {
		return
	}
	s.discardCause = cause
	s.enter(discarding)
}

// Dropping tells that the container's output is dropped and counted. It may be called at any
// time.
func (s *Stream) Dropping() bool { return s.shown.dropping.Load() }

// Over says that the container has ended and its last byte is where it belongs: only
// compressions and the record are left to be looked after.
func (s *Stream) Over() bool { return s.phase == ended || s.phase == closed }
