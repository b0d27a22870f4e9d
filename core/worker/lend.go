package worker

// lent is how many threads a queue may have beyond its own: one for each that has been at its
// task for long, as a rename of very many files is, or a call that hangs.
func (p *Pool) lent(q *queue) int {
	if p.busy >= Total/2 {
		return 0
	}
	return min(q.long, Lent)
}

// lookLater has somebody look for threads that are at one task for long, as something waits.
// Nobody looks, and nothing wakes up, where nothing does.
func (p *Pool) lookLater() {
	if !p.apart || p.looking || p.closed {
		return
	}
	p.looking = true
	if p.look == nil {
		p.look = p.guard.AfterFunc(lookEvery, "look for threads that are at one task for long", p.lookForLong)
		return
	}
	p.look.Reset(lookEvery)
}

// lookForLong marks the threads that are at the same task as when last was looked, and lets
// others come for what waits behind them: for lack of a thread, or because whoever took a task
// meant to be back for the next before another could be there (burst).
func (p *Pool) lookForLong() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.looking = false
	for _, t := range p.all {
		if t.queue != nil && t.seen == t.turn && !t.long {
			t.long = true
			t.queue.long++
		}
		t.seen = t.turn
	}
	for _, q := range p.devices {
		p.list(q)
	}
	if len(p.runnable) > 0 {
		p.engage()
	}
	for _, q := range p.devices {
		if q.head != nil {
			p.lookLater()
		}
	}
}
