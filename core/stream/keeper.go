package stream

import (
	"os"

	sluicepb "sluice/proto"
)

// Keeper keeps what has to be known of a stream after a kill. The engine's keepers are
// the state directory, the memory of the process (sluice pipe) and, for a stream that is
// drained, nobody. Its methods are called with the identity of the host
// (worker.Thread.AsHost), and those of one stream never overlap.
type Keeper interface {
	// Save writes the record in place of the one before. It is complete when Save returns,
	// and after an error the one before is still there. The stream goes on changing the
	// record afterwards.
	Save(record *sluicepb.StreamRecord) error
	// Forget removes all that is kept of the stream: its last byte is where it belongs. It
	// may be called again after an error.
	Forget() error
	// OpenSpill opens the file through which dropped output goes on its way to the account
	// (see loss). Without create a file that is missing is fs.ErrNotExist. What is in it has
	// to last as long as the record does; the caller closes the file.
	OpenSpill(create bool) (*os.File, error)
}

// Parking bounds how many ended streams wait for the compressions of their series.
type Parking interface {
	// Admit says, each time, whether a stream whose container has ended may wait. It is
	// called with the identity of the task's user.
	Admit() bool
}
