package stream

import (
	"google.golang.org/protobuf/proto"

	"sluice/core/worker"
	sluicepb "sluice/proto"
)

// noteTaken puts the account into the interlude of a record that a newer version wrote, as
// it is when the live file has just been opened: with what that version left it tells what
// this one has done since. It runs when the account was resumed.
func (s *Stream) noteTaken(t *worker.Thread) {
	interlude := s.Record.GetInterlude()
	if interlude == nil || interlude.GetTaken() != nil {
		return
	}
	if s.live != nil && s.carried == "" {
		size, err := s.follow()
		if err == nil {
			err = s.countAll()
		}
		if s.outlived(err) {
			return
		}
		if err != nil {
			s.warn("cannot note what a newer version left", err)
			return
		}
		s.note(size, 0)
	}
	a := s.Record.GetAccounting()
	s.account.noteTotals(a)
	interlude.Taken = proto.Clone(a).(*sluicepb.Accounting)
	if err := s.save(t); err != nil {
		s.warn("cannot save the account of the stream", err)
	}
}
