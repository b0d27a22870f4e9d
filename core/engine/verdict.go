package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sluice/core/state"
	sluicepb "sluice/proto"
)

// verdict is what becomes of a stream that was found in the state directory. It is
// reached in one place, judge, from the record alone. A container may hold the FIFO
// whatever the verdict is: only where none can does nobody read it.
type verdict int

const (
	// served: as it was recorded, or as much of it as is understood and may still be done.
	served verdict = iota
	// drained: nothing of it can be kept by this version. What comes is counted and
	// dropped until the container ends; the record stays as it is till then.
	drained
	// setAside: drained, and the record, which no owner can use, is renamed.
	setAside
	// forgotten: no container can hold its FIFO. All that there is of it is removed.
	forgotten
	// undecided: the record cannot be read now. It is looked at again.
	undecided
)

// errUnusable says that a record, whole as it is, describes no stream of ours.
var errUnusable = errors.New("the record cannot be used")

// errOtherBoot says that a record is of another boot, whose pipes are gone.
var errOtherBoot = errors.New("the record is of another boot")

// judge reads the record of a stream and says what becomes of it, and why where that is
// not all that was recorded: a record of a newer version is served as far as it is
// understood (state.NewerError), and never renamed; what that version left is noted in it.
func judge(dir *state.Dir, id string) (*sluicepb.StreamRecord, verdict, error) {
	record, err := dir.Load(id)
	newer := errors.Is(err, state.ErrNewer)
	switch {
	case errors.Is(err, state.ErrTorn):
		return nil, setAside, err
	case errors.Is(err, fs.ErrNotExist):
		return nil, forgotten, err
	case err != nil && !newer:
		return nil, undecided, err
	case record.GetBootId() != dir.BootID():
		return nil, forgotten, errOtherBoot
	}
	if broken := checkRecord(record); broken != nil && newer {
		return nil, drained, errors.Join(broken, err)
	} else if broken != nil {
		return nil, setAside, broken
	}
	if newer {
		err = errors.Join(err, state.BeginInterlude(record))
	} else {
		state.EndInterlude(record)
	}
	return record, served, err
}

// checkRecord refuses what no version of this code writes.
func checkRecord(r *sluicepb.StreamRecord) error {
	switch {
	case r.GetStream() != stdoutName && r.GetStream() != stderrName:
		return fmt.Errorf("%w: its stream is %q, expected %q or %q", errUnusable, r.GetStream(), stdoutName, stderrName)
	case !filepath.IsAbs(r.GetSandbox()):
		return fmt.Errorf("%w: its sandbox is %q, expected an absolute path", errUnusable, r.GetSandbox())
	case r.GetSettings().GetMaxBytes() < int64(os.Getpagesize()):
		return fmt.Errorf("%w: its limit is %d bytes, expected at least a page", errUnusable, r.GetSettings().GetMaxBytes())
	case r.GetSettings().GetMaxRateBytes() < 0:
		return fmt.Errorf("%w: its rate is %d bytes per second", errUnusable, r.GetSettings().GetMaxRateBytes())
	case r.GetSettings().GetFirstBytes() != 0 && r.GetSettings().GetFirstBytes() != r.GetSettings().GetMaxBytes():
		return fmt.Errorf("%w: it keeps the first %d bytes, expected none or its limit", errUnusable, r.GetSettings().GetFirstBytes())
	case r.GetAccounting() == nil:
		return fmt.Errorf("%w: it has no account", errUnusable)
	}
	return nil
}
