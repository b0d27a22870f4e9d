package engine

import "sluice/core/stream"

// Metrics are figures of an engine, read at one instant.
type Metrics struct {
	Streams, Recovered int64
	Unattended         int64 // streams whose container ended while nobody had the pipe open
	Panics, Wakeups    int64
	Compressions       int64 // files that are being compressed or wait for it
	Blocked            int64 // streams whose container is held back by the disk
	Dropping           int64 // streams whose output is dropped
	FilesEvicted       int64 // rotated files deleted to keep the budget of the node
	BytesEvicted       int64 // of them
	stream.Account
}

// add counts a stream that is served.
func (m *Metrics) add(s *stream.Stream) {
	m.Account = m.Account.Plus(s.Account())
	if s.Blocked() {
		m.Blocked++
	}
	if s.Dropping() {
		m.Dropping++
	}
}

// Metrics gives the figures as they are now.
func (e *Engine) Metrics() Metrics {
	e.mu.Lock()
	defer e.mu.Unlock()
	m := Metrics{
		Streams: int64(len(e.serving) + len(e.pending)), Recovered: e.recovered, Unattended: e.unattended,
		Blocked: int64(len(e.pending)),
		Panics:  e.reactor.Panics() + e.guard.Caught(),
		Wakeups: e.reactor.Loop.Wakeups(), Account: e.past,
		Compressions: e.reactor.Compressions.Waiting(),
	}
	if e.budget != nil {
		m.FilesEvicted, m.BytesEvicted = e.budget.Evicted()
	}
	for entry := range e.serving {
		_ = e.guard.Run("read the figures of a stream", func() error { m.add(entry.Stream); return nil })
	}
	// Of streams that began while nobody counted there are only the lines dropped.
	m.LinesKnown = e.settings.CountLines
	return m
}

// Shared gives the figures of all engines that Share has opened, added up.
func Shared() Metrics {
	var total Metrics
	for _, e := range allShared() {
		m := e.Metrics()
		total.Streams += m.Streams
		total.Recovered += m.Recovered
		total.Unattended += m.Unattended
		total.Panics += m.Panics
		total.Wakeups += m.Wakeups
		total.Compressions += m.Compressions
		total.Blocked += m.Blocked
		total.Dropping += m.Dropping
		total.FilesEvicted += m.FilesEvicted
		total.BytesEvicted += m.BytesEvicted
		total.Account = total.Account.Plus(m.Account)
	}
	return total
}

// Why output was dropped, for hosts that show Metrics.Dropped.
const (
	NoSpace        = stream.NoSpace
	Quota          = stream.Quota
	IOError        = stream.IOError
	Panic          = stream.Panic
	SandboxRemoved = stream.SandboxRemoved
	Discarded      = stream.Discarded
	Unrecorded     = stream.Unrecorded
)
