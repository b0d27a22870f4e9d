package stream

import (
	"errors"

	"golang.org/x/sys/unix"

	"sluice/core/sandbox"
	sluicepb "sluice/proto"
)

// Cause is why output was dropped. The numbers are those of the records.
type Cause int

// The causes.
const (
	// Unknown is of records of a version that did not tell.
	Unknown = Cause(sluicepb.Cause_UNKNOWN)
	// NoSpace and Quota are full disks, IOError is every other failure.
	NoSpace = Cause(sluicepb.Cause_NO_SPACE)
	Quota   = Cause(sluicepb.Cause_QUOTA)
	IOError = Cause(sluicepb.Cause_IO_ERROR)
	// RateReached and Discarded are by configuration.
	RateReached = Cause(sluicepb.Cause_RATE)
	Discarded   = Cause(sluicepb.Cause_DISCARDED)
	// Panic is a fault in the stream's own code, twice within a minute.
	Panic = Cause(sluicepb.Cause_PANIC)
	// SandboxRemoved is output of a container that outlived its sandbox.
	SandboxRemoved = Cause(sluicepb.Cause_SANDBOX_REMOVED)
	// Unrecorded is output of a container whose stream has no record that can be used.
	Unrecorded = Cause(sluicepb.Cause_UNRECORDED)
	// Causes is how many there are.
	Causes = 9
)

// understood is a recorded cause where this version knows it; a later one may have more.
func understood(cause sluicepb.Cause) Cause {
	if cause > 0 && cause < Causes {
		return Cause(cause)
	}
	return Unknown
}

// noInode is the number of ENOSPC where inodes are wanting. It is negative, so that a
// version which does not know it takes it for none.
const noInode = -int32(unix.ENOSPC)

// causeOf tells what kind of failure an error is, and its number, 0 where it has none.
func causeOf(err error) (Cause, int32) {
	var errno unix.Errno
	known := errors.As(err, &errno)
	number := int32(errno)
	switch {
	case errors.Is(err, errFault):
		return Panic, 0
	case !known:
		return IOError, 0
	case errors.Is(err, sandbox.ErrNoInode):
		return NoSpace, noInode
	case errno == unix.ENOSPC:
		return NoSpace, number
	case errno == unix.EDQUOT:
		return Quota, number
	}
	return IOError, number
}

// errFault is why a stream that was given up drops its output.
var errFault = errors.New("a fault in the logger")

// reason is a cause in the words of a mark: without semicolon and newline.
func reason(gap *sluicepb.Gap) string {
	switch {
	case gap.GetUnknown():
		return unattendedReason
	case gap.GetErrorNumber() > 0:
		return unix.Errno(gap.GetErrorNumber()).Error()
	case gap.GetErrorNumber() == noInode:
		return unix.ENOSPC.Error() + ": " + sandbox.ErrNoInode.Error()
	case Cause(gap.GetCause()) == Panic:
		return errFault.Error()
	}
	return "the log could not be written"
}
