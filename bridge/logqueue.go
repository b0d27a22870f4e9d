package main

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"sluice/core/guard"
)

const (
	// queuedLines is how many lines may wait for the host's log. Those that come while so
	// many wait are left out, and counted.
	queuedLines = 1024
	// flushTime is how long to wait for the host's log when lines should be in it.
	flushTime = time.Second
)

// logQueue has one goroutine write lines to the host's log, in order. The host's log may be a
// file on a disk that hangs, and nobody who logs must wait for that, least of all a thread that
// moves the output of containers. Its methods may be called concurrently.
type logQueue struct {
	host  func(severity int, line []byte)
	lines chan queuedLine
	guard *guard.Guard // of the log itself: there is nobody to tell
	left  atomic.Int64 // lines that were left out since the last report
	start sync.Once
}

// queuedLine is a line, or somebody who waits until the earlier lines are written.
type queuedLine struct {
	severity int
	text     []byte
	written  chan<- struct{}
}

func newLogQueue(host func(severity int, line []byte)) *logQueue {
	return &logQueue{host: host, lines: make(chan queuedLine, queuedLines), guard: guard.New(slog.New(slog.DiscardHandler))}
}

// put queues a line and takes its bytes. It never blocks.
func (q *logQueue) put(severity int, text []byte) {
	q.begin()
	select {
	case q.lines <- queuedLine{severity: severity, text: text}:
	default:
		q.left.Add(1)
	}
}

// flush waits until what is queued is written, but no longer than flushTime.
func (q *logQueue) flush() {
	written := make(chan struct{})
	patience := time.NewTimer(flushTime)
	defer patience.Stop()
	q.begin()
	select {
	case q.lines <- queuedLine{written: written}:
	case <-patience.C:
		return
	}
	select {
	case <-written:
	case <-patience.C:
	}
}

// begin starts the goroutine, which ends with the process.
func (q *logQueue) begin() {
	q.start.Do(func() {
		q.guard.Go("write the log", func() {
			for line := range q.lines {
				_ = q.guard.Run("write a line", func() error { q.write(line); return nil })
			}
		})
	})
}

func (q *logQueue) write(line queuedLine) {
	if line.written != nil {
		defer close(line.written)
	}
	if left := q.left.Swap(0); left > 0 {
		q.host(1, fmt.Appendf(nil, "sluice: the log did not take lines fast enough; left_out=%d", left))
	}
	if line.written == nil {
		q.host(line.severity, line.text)
	}
}
