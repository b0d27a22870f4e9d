package schedule

import (
	"log/slog"
	"time"

	"sluice/core/stream"
	"sluice/core/throttle"
	"sluice/core/worker"
)

// Stream is what a loop needs of a stream. Except for PipeFD and Log, it calls these methods
// on a worker thread, and never two of them at the same time.
type Stream interface {
	// Service moves what is in the pipe and says what comes next; see stream.Stream.
	Service(t *worker.Thread, refused error, now time.Time, wished time.Duration) stream.Next
	// Serviced is called after each service that was not the last.
	Serviced()
	// Ended is called after the last one. By then the loop has forgotten the stream.
	Ended()
	// Rebuild makes the stream anew after a panic in Service.
	Rebuild(t *worker.Thread)
	// CountOn counts a little more of what is not counted yet, before the stream goes idle,
	// and tells whether more is left to count.
	CountOn() (more bool)
	// Over tells that the container has ended, and GiveUp drops and counts what comes from
	// now on: see stream.Stream.
	Over() bool
	GiveUp()
	// PipeFD is the reading end of the pipe, or -1 once it is closed. It is borrowed.
	PipeFD() int
	// Log gets the panics.
	Log() *slog.Logger
}

// Place is where a member is. It changes as follows:
//
//	InHand -> Waiting   a service ended; the clock brings the next
//	InHand -> Armed     a service found nothing, or little after a silence
//	InHand -> Parked    the container has ended; compressions are under way
//	Waiting -> InHand   the time has come
//	Armed -> InHand     something is in the pipe, or Nudge
//	Armed -> Waiting    something is in the pipe, too soon after the last service
//	Parked -> InHand    Unpark or Nudge
type Place int

const (
	// InHand is with a worker pool, queued or being serviced.
	InHand Place = iota
	// Waiting is in the heap, until the member is due.
	Waiting
	// Armed is in the epoll set, until the kernel tells.
	Armed
	// Parked is nowhere, until Unpark.
	Parked
)

// Member is a stream with its place in a loop. Its fields belong to whoever has it: the
// loop under its lock, or the worker thread that services it.
type Member struct {
	stream       Stream
	task         worker.Task
	device       uint64 // of the sandbox; also in task, except where commands are run
	commandQueue uint64

	place    Place
	key      int32     // in the epoll set
	inSet    bool      // the pipe is in the epoll set, armed or not
	due      time.Time // while Waiting
	last     time.Time // when the last service ended
	byClock  bool      // the last service was one of a busy stream
	probes   int       // services that may still find nothing before it is idle
	unparked bool      // Unpark was called since the last service began
	nudged   bool      // Nudge was called since the last service began

	broken  bool             // a panic left the stream in an unknown state
	faulted time.Time        // when its last panic was
	faults  throttle.Reports // reports of them
}

// NewMember makes a member of a stream. Its services have the rights of as, wait in the queue
// of device and count for owner (worker.Task); those that may run commands wait in
// commandQueue.
func NewMember(s Stream, as worker.Identity, device, owner, commandQueue uint64) *Member {
	return &Member{
		stream: s, device: device, commandQueue: commandQueue,
		task: worker.Task{As: as, Device: device, Owner: owner},
	}
}
