package engine

import (
	"errors"
	"fmt"
	"sluice/core/sandbox"
	"sync"

	sluicepb "sluice/proto"
)

// recover serves what an owner before this one left in the state directory. A
// stream that cannot be served is set aside with a log line; it never keeps the
// others, or the host, from starting.
func (e *Engine) recover() error {
	ids, err := e.state.Streams()
	if err != nil {
		return err
	}
	boxes := newSandboxes()
	defer boxes.release()
	var found []*entry
	for _, id := range ids {
		entry, err := e.revive(id, boxes)
		if err != nil {
			e.setAside(id, err)
			continue
		}
		if entry != nil {
			found = append(found, entry)
		}
	}
	e.resume(found)
	if e.recovered > 0 {
		e.log.Info("took over the streams of an owner before", "streams", e.recovered, "records", len(ids))
	}
	return nil
}

// revive makes the entry of a record. It gives nil where the record is of another
// boot, whose pipes are gone, and was swept.
func (e *Engine) revive(id string, boxes *sandboxes) (*entry, error) {
	record, err := e.state.Load(id)
	if err != nil {
		return nil, err
	}
	if record.GetBootId() != e.state.BootID() {
		return nil, e.state.Remove(id)
	}
	s, err := recordedSettings(e.settings, record)
	if err != nil {
		return nil, err
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
				e.setAside(entry.id, err)
				return
			}
			e.mu.Lock()
			e.recovered++
			e.mu.Unlock()
		})
	}
	wait.Wait()
}

func (e *Engine) setAside(id string, why error) {
	e.log.Error("a stream found in the state directory cannot be served; its record is set aside", "stream", id, "error", why)
	if err := e.state.SetAside(id); err != nil {
		e.log.Error("cannot set the record aside", "error", err)
	}
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
		return nil, errors.Join(fmt.Errorf("sandbox %q is not the directory that it was", r.GetSandbox()), dir.Close())
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
