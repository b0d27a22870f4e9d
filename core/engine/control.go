package engine

import (
	"context"
	"errors"
	"maps"
	"slices"

	"sluice/core/control"
	"sluice/core/stream"
)

// What an engine is asked on the control socket (control.Owner).

// serveControl makes the socket. Without it the logger works as well.
func (e *Engine) serveControl() {
	var err error
	if e.control, err = control.Serve(e.state, e, e.reactor.Loop, e.guard); err != nil {
		e.log.Warn("cannot be asked by sluice status and sluice rotate", "error", err)
	}
}

// Status gives the streams that are served, or are to be, in no order (control.Owner).
func (e *Engine) Status() []control.Stream {
	serving, streams := e.entries(), e.pendingStatus()
	for _, entry := range serving {
		streams = append(streams, entry.status())
	}
	return streams
}

// pendingStatus tells of the streams that an owner before has left and that cannot be
// served yet: their containers wait.
func (e *Engine) pendingStatus() (streams []control.Stream) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, f := range e.pending {
		r := f.record
		if r == nil {
			r = drainedRecord(f.id)
		}
		streams = append(streams, control.Stream{
			ID: f.id, Container: r.GetContainerId(), Stream: r.GetStream(), Framework: r.GetFrameworkId(),
			Executor: r.GetExecutorId(), Task: r.GetTaskId(), Sandbox: r.GetSandbox(), User: r.GetUser(),
			State: control.Blocked, CreatedUnixNano: r.GetCreatedUnixNano(),
		})
	}
	return streams
}

// entries gives those that are served.
func (e *Engine) entries() []*entry {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Collect(maps.Keys(e.serving))
}

// status is read while the stream is visited: only what does not change of its record.
func (e *entry) status() control.Stream {
	r, a := e.Stream.Record, e.Stream.Account()
	s := control.Stream{
		ID: e.id, Container: r.GetContainerId(), Stream: r.GetStream(), Framework: r.GetFrameworkId(),
		Executor: r.GetExecutorId(), Task: r.GetTaskId(), Sandbox: r.GetSandbox(), User: r.GetUser(),
		State:   control.Served,
		InBytes: a.InBytes(), WrittenBytes: a.WrittenBytes, DroppedBytes: a.DroppedBytes, DroppedLines: a.DroppedLines,
		Files: a.Files, DiskBytes: a.DiskBytes, LiveBytes: e.Stream.LiveBytes(),
		Rotations: a.Rotations, RotationErrors: a.RotationErrors, WriteErrors: a.WriteErrors,
		CreatedUnixNano: r.GetCreatedUnixNano(), LongestBlockedNanos: int64(a.LongestBlocked),
	}
	if last := e.Stream.LastRotation(); !last.IsZero() {
		s.LastRotationUnixNano = last.UnixNano()
	}
	if in := a.InLines(); a.LinesKnown {
		s.InLines, s.WrittenLines = &in, &a.WrittenLines
	}
	switch {
	case e.Stream.Dropping():
		s.State = control.Dropping
	case e.Stream.Blocked():
		s.State = control.Blocked
	}
	return s
}

var (
	errNotServed = errors.New("no such stream is served")
	errUnderWay  = errors.New("the rotation is under way, and the disk is slow")
)

// Rotate rotates streams, whatever their size. Each is rotated by its next visit; one that
// is not visited before the context ends is left as it is.
func (e *Engine) Rotate(ctx context.Context, ids []string) []control.Rotated {
	pending := make([]pendingRotation, len(ids))
	for i, id := range ids {
		pending[i] = e.beginRotation(id)
	}
	results := make([]control.Rotated, len(ids))
	for i := range pending {
		results[i] = control.Rotated{ID: ids[i]}
		outcome := pending[i].wait(ctx)
		results[i].Name, results[i].Bytes = outcome.Name, outcome.Bytes
		if outcome.Err != nil {
			results[i].Error = outcome.Err.Error()
		}
	}
	return results
}

// pendingRotation is one that was asked for, or why it was not.
type pendingRotation struct {
	stream *stream.Stream
	asked  *stream.AskedRotation
	err    error
}

func (e *Engine) beginRotation(id string) pendingRotation {
	found := e.find(id)
	if found == nil {
		return pendingRotation{err: errNotServed}
	}
	asked, err := found.Stream.AskRotation()
	if err == nil {
		e.reactor.Loop.Nudge(found.Member)
	}
	return pendingRotation{stream: found.Stream, asked: asked, err: err}
}

// wait waits for the visit, until the context ends.
func (p pendingRotation) wait(ctx context.Context) stream.RotatedNow {
	if p.err != nil {
		return stream.RotatedNow{Err: p.err}
	}
	select {
	case outcome := <-p.asked.Done():
		return outcome
	case <-ctx.Done():
	}
	if p.stream.TakeBack(p.asked) {
		return stream.RotatedNow{Err: context.Cause(ctx)}
	}
	select {
	case outcome := <-p.asked.Done():
		return outcome
	default:
		return stream.RotatedNow{Err: errUnderWay}
	}
}

// find gives the entry of a stream that is served, or nil.
func (e *Engine) find(id string) *entry {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.findLocked(id)
}

func (e *Engine) findLocked(id string) *entry {
	for entry := range e.serving {
		if entry.id == id {
			return entry
		}
	}
	return nil
}
