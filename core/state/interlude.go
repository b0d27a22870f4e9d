package state

import (
	"fmt"

	"github.com/golang/protobuf/proto" //nolint:staticcheck // the project's own messages are carried by this package

	sluicepb "sluice/proto"
)

// BeginInterlude notes in the record of a newer version, which Load gave with ErrNewer, what
// that version left, before anything is changed. An owner that goes on with what it understands
// keeps the members that it does not know as they are; the note shows what they were true for.
// If another owner has gone on with the record already, its note stays.
func BeginInterlude(record *sluicepb.StreamRecord) error {
	if record.GetInterlude() != nil {
		return nil
	}
	found, err := proto.Marshal(record)
	if err != nil {
		return fmt.Errorf("note what a newer version left: %w", err)
	}
	record.Interlude = &sluicepb.Interlude{Version: RecordVersion, Found: found}
	return nil
}

// EndInterlude is for a version that understands the record again. The account is what the
// owners in between made of it. In no version so far does that make a member void that they did
// not know: the first such member has to look into the interlude here.
func EndInterlude(record *sluicepb.StreamRecord) { record.Interlude = nil }
