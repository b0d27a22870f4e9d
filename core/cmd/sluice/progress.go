package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"sluice/core/series"
)

const (
	// progressAfter is how long a reading takes before it is said how far it is, and
	// progressEvery how often.
	progressAfter = time.Second
	progressEvery = 200 * time.Millisecond
)

// progress shows how far a reading is, to somebody who sees stderr and not the output.
type progress struct {
	mu    sync.Mutex
	w     io.Writer // nil shows nothing
	next  time.Time
	shown bool
}

func newProgress(out, errOut io.Writer) *progress {
	p := &progress{next: time.Now().Add(progressAfter)}
	if isTerminal(errOut) && !isTerminal(out) && !dumb() {
		p.w = errOut
	}
	return p
}

func (p *progress) show(at series.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.w == nil || time.Now().Before(p.next) {
		return
	}
	p.next, p.shown = time.Now().Add(progressEvery), true
	fmt.Fprintf(p.w, "\r\x1b[Ksluice: %s, file %d of %d, %d MB", at.Name, at.File, max(at.File, at.Files), at.WrittenBytes>>20)
}

// clear takes the line away.
func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
