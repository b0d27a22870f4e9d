package main

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hostLog is a log of the host's, on a disk that hangs while held.
type hostLog struct {
	sync.Mutex
	lines []string
	held  chan struct{}
}

func (h *hostLog) write(severity int, line []byte) {
	<-h.held
	h.Lock()
	defer h.Unlock()
	h.lines = append(h.lines, fmt.Sprint(severity, " ", string(line)))
}

// TestALogThatHangsHoldsNobodyUp: what does not fit into the queue is left out and
// counted; the rest is written in order when the log works again.
func TestALogThatHangsHoldsNobodyUp(t *testing.T) {
	log := &hostLog{held: make(chan struct{})}
	q := newLogQueue(log.write)
	const more = 10
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range queuedLines + 1 + more { // one is with the host
			q.put(0, []byte(fmt.Sprint("line ", i)))
			if i == 0 {
				for len(q.lines) > 0 {
					time.Sleep(time.Millisecond)
				}
			}
		}
	}()
	select {
	case <-done:
	case <-time.After(2 * time.Minute):
		t.Fatal("a log that hangs holds up whoever has something to say")
	}
	q.flush() // gives up after a while
	close(log.held)
	for range 120 {
		if q.flush(); len(q.lines) == 0 {
			break
		}
	}
	q.flush()
	log.Lock()
	defer log.Unlock()
	require.Len(t, log.lines, queuedLines+2)
	assert.Equal(t, "0 line 0", log.lines[0])
	assert.Equal(t, fmt.Sprintf("1 sluice: the log did not take lines fast enough; left_out=%d", more), log.lines[1])
	assert.Equal(t, fmt.Sprintf("0 line %d", queuedLines), log.lines[queuedLines+1])
}

func TestFlushWaitsForTheLines(t *testing.T) {
	log := &hostLog{held: make(chan struct{})}
	close(log.held)
	q := newLogQueue(log.write)
	for range 100 {
		q.put(2, []byte("line"))
	}
	q.flush()
	log.Lock()
	defer log.Unlock()
	assert.Len(t, log.lines, 100)
}
