package stream

import (
	"errors"
	"io/fs"
)

// errSandboxGone says that the whole sandbox was removed, so that nothing of the stream can be
// kept any more. Whoever calls from a visit hands it to outlived.
var errSandboxGone = errors.New("the sandbox was removed")

// lostSandbox is the error errSandboxGone where that is where err comes from, and else err.
func (s *Stream) lostSandbox(err error) error {
	if errors.Is(err, fs.ErrNotExist) && s.Sandbox.Removed() {
		return errSandboxGone
	}
	return err
}

// outlived tells whether err is that the sandbox is gone. Then the container must not wait for
// its log: what comes is dropped from now on.
func (s *Stream) outlived(err error) bool {
	if !errors.Is(err, errSandboxGone) {
		return false
	}
	s.outlive()
	return true
}

// outlive makes the stream one whose container has outlived its sandbox.
func (s *Stream) outlive() {
	cause := SandboxRemoved
	if s.Record.GetFirstEndBytes() > 0 {
		cause = Discarded // it would be all the same
	}
	s.discard(cause)
	s.Log.Warn("the sandbox was removed while its container runs; its further output is dropped", "sandbox", s.Record.GetSandbox())
}
