package worker

// lent is how many threads a queue may have beyond its own: one for each that has been at its
// task for long, for example a rename of very many files, or a call that hangs.
func (p *Pool) lent(q *queue) int {
	if p.busy >= Total/2 {
		return 0
	}
	return min(q.long, Lent)
}

// lookLater schedules a look for threads that are at one task for long, because something
// waits. While nothing waits nobody looks, and nothing wakes up.
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

// lookForLong marks the threads that are still at the task of the last look, and lets others
// come for what waits behind them. It waits for lack of a thread, or because the thread that
// took a task expected to be back for the next one before another could come (burst).
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
