package engine

import (
	"context"
	"errors"

	"sluice/core/control"
	"sluice/core/stream"
)

var (
	errNotServed = errors.New("no such stream is served")
	errHeldBack  = errors.New("the stream is held back, by its disk or its rate; nothing was rotated")
	errUnderWay  = errors.New("the rotation is under way, and the disk is slow")
	errClosing   = errors.New("the owner gives its streams up; ask the next one")
)

// RotateNow rotates streams, whatever their size (control.Engine). Each is rotated by its
// next visit; one that is not visited in time is left as it is.
func (e *Engine) RotateNow(ids []string) []control.Rotated {
	ctx, cancel := context.WithTimeout(context.Background(), control.Patience)
	defer cancel()
	pending := make([]pendingRotation, len(ids))
	for i, id := range ids {
		pending[i] = e.beginRotation(id)
	}
	results := make([]control.Rotated, len(ids))
	for i := range pending {
		results[i] = control.Rotated{ID: ids[i]}
		outcome := pending[i].wait(ctx, e.asking.done)
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

// wait waits for the visit, until the context ends or the engine is closed.
func (p pendingRotation) wait(ctx context.Context, closing <-chan struct{}) stream.RotatedNow {
	if p.err != nil {
		return stream.RotatedNow{Err: p.err}
	}
	late := errHeldBack
	select {
	case outcome := <-p.asked.Done():
		return outcome
	case <-ctx.Done():
	case <-closing:
		late = errClosing
	}
	if p.stream.TakeBack(p.asked) {
		return stream.RotatedNow{Err: late}
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
	for entry := range e.serving {
		if entry.id == id {
			return entry
		}
	}
	return nil
}
