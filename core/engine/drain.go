package engine

import (
	"strings"
	"time"

	"sluice/core/policyfile"
	"sluice/core/reactor"
	"sluice/core/rotation"
	"sluice/core/sandbox"
	"sluice/core/schedule"
	"sluice/core/stream"
	sluicepb "sluice/proto"
)

// drain has a FIFO read whose stream cannot be kept: what comes is counted for cause and
// dropped until the container ends, and then what there is of the stream in the state
// directory is removed. mu is held; the entry takes the pipe.
func (e *Engine) drain(f *found, cause stream.Cause) {
	record := drainedRecord(f.id)
	box := &sharedSandbox{Dir: sandbox.Expect("", 0, 0)}
	box.users.Add(1)
	entry := &entry{
		engine: e, id: f.id, box: box, as: e.reactor.Self,
		Served: reactor.Served{Policy: &policyfile.File{}}, // there is no place for one
	}
	entry.Member = schedule.NewMember(entry, e.reactor.Self, 0, 0, 0)
	log := e.logOf(record)
	entry.Stream = stream.New(stream.Config{
		Name: record.GetStream(), Sandbox: box.Dir, Pipe: f.pipe, CapacityBytes: e.enlarge(f.pipe),
		Rotation: rotation.Config{Dir: box.Dir, Base: record.GetStream(), Log: log, Now: time.Now},
		Record:   record,
		Keeper:   nobody{dir: e.state, id: f.id},
		Retry:    retryAfter,
		Now:      time.Now,
		Log:      log,
	})
	entry.Stream.Drain(cause)
	f.entry = entry
	e.serveLocked(entry)
}

// drainedRecord says of a stream what its id does (newID).
func drainedRecord(id string) *sluicepb.StreamRecord {
	r := &sluicepb.StreamRecord{ContainerId: id, Stream: "unknown", Accounting: &sluicepb.Accounting{}}
	for _, name := range []string{stdoutName, stderrName} {
		if at := strings.LastIndex(id, "."+name+"."); at > 0 {
			r.ContainerId, r.Stream = strings.TrimPrefix(id[:at], "c"), name
		}
	}
	return r
}
