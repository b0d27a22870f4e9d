package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sluice/core/sandbox"
	"sluice/core/state"
	"sync"

	"golang.org/x/sys/unix"

	sluicepb "sluice/proto"
)

// recover serves what an owner before this one left in the state directory. A
// stream that cannot be served never keeps the others, or the host, from starting.
func (e *Engine) recover() error {
	ids, err := e.state.Streams()
	if err != nil {
		return err
	}
	// The pipes are opened anew by their names; until then these keep them alive.
	for id, fd := range e.store.claim() {
		defer unix.Close(fd)
		if !slices.Contains(ids, id) {
			e.store.forget(id)
		}
	}
	boxes := newSandboxes()
	defer boxes.release()
	var found []*entry
	swept := 0
	for _, id := range ids {
		entry, err := e.revive(id, boxes)
		switch {
		case errors.Is(err, errOtherBoot):
			swept++
		case err != nil:
			e.giveUp(id, err)
		default:
			found = append(found, entry)
		}
	}
	e.resume(found)
	if err := e.recoverEnded(); err != nil {
		return err
	}
	if swept > 0 {
		e.log.Info("removed the records of streams from before the last boot", "records", swept)
	}
	if e.recovered > 0 {
		e.log.Info("took over the streams of an owner before", "streams", e.recovered, "records", len(ids))
	}
	return nil
}

// errOtherBoot says that a record is of another boot, whose pipes are gone. It was
// removed.
var errOtherBoot = errors.New("the record is of another boot")

// revive makes the entry of a record.
func (e *Engine) revive(id string, boxes *sandboxes) (*entry, error) {
	record, err := e.state.Load(id)
	if err != nil {
		return nil, err
	}
	if record.GetBootId() != e.state.BootID() {
		return nil, errors.Join(errOtherBoot, e.state.Remove(id))
	}
	if err := checkRecord(record); err != nil {
		return nil, err
	}
	s, err := RecordedSettings(e.settings, record)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnusable, err)
	}
	box, err := boxes.open(record)
	if err != nil {
		return nil, err
	}
	pipe, err := e.state.OpenReading(id)
	if err != nil {
		return nil, err
	}
	return e.newEntry(id, record, pipe, box, s), nil
}

// resume opens the files of the streams, several at a time, and serves them.
func (e *Engine) resume(entries []*entry) {
	var wait sync.WaitGroup
	for _, entry := range entries {
		wait.Go(func() {
			err := e.open(entry)
			if err == nil {
				err = e.serve(entry)
			}
			if err != nil {
				entry.release()
				e.giveUp(entry.id, err)
				return
			}
			e.mu.Lock()
			e.recovered++
			e.mu.Unlock()
		})
	}
	wait.Wait()
}

// giveUp reports a stream that cannot be served. Its record is set aside where no
// owner could ever serve it. A newer version's record stays where that version finds
// it, and after any other error, such as too few descriptors, the next owner tries again.
func (e *Engine) giveUp(id string, why error) {
	switch {
	case errors.Is(why, state.ErrNewer):
		e.log.Error("a stream found in the state directory was left to a newer version: start that again, and it goes on there", "stream", id, "error", why)
	case !lost(why):
		e.log.Error("a stream found in the state directory cannot be served now; its record stays for the next start", "stream", id, "error", why)
	default:
		e.log.Error("a stream found in the state directory cannot be served; its record is set aside", "stream", id, "error", why)
		if err := e.state.SetAside(id); err != nil {
			e.log.Error("cannot set the record aside", "error", err)
		}
	}
}

// errUnusable says that a record, whole as it is, describes no stream of ours.
var errUnusable = errors.New("the record cannot be used")

// lost says that an error will be the same for every later owner.
func lost(err error) bool {
	for _, forGood := range []error{
		state.ErrTorn, errUnusable, sandbox.ErrNotDirectory, fs.ErrNotExist, // of the sandbox or the FIFO
	} {
		if errors.Is(err, forGood) {
			return true
		}
	}
	return false
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

// sandboxes opens each sandbox once for both of its streams.
type sandboxes struct{ opened map[string]*sharedSandbox }

func newSandboxes() *sandboxes { return &sandboxes{opened: map[string]*sharedSandbox{}} }

// open opens the sandbox of a record and checks that it is the one of then.
func (s *sandboxes) open(r *sluicepb.StreamRecord) (*sharedSandbox, error) {
	if box := s.opened[r.GetSandbox()]; box != nil {
		return box, nil
	}
	dir, err := sandbox.Open(r.GetSandbox())
	if err != nil {
		return nil, err
	}
	if dir.Device() != r.GetSandboxDevice() || dir.Inode() != r.GetSandboxInode() {
		return nil, errors.Join(fmt.Errorf("%w: sandbox %q is not the directory that it was", errUnusable, r.GetSandbox()), dir.Close())
	}
	box := &sharedSandbox{Dir: dir}
	box.users.Add(1)
	s.opened[r.GetSandbox()] = box
	return box, nil
}

// release gives up the shares of recovery itself.
func (s *sandboxes) release() {
	for _, box := range s.opened {
		box.release()
	}
}
