package worker

import "sync"

// queue is the work on one file system, in the order of submission. The pool's lock guards it.
type queue struct {
	device     uint64
	head, tail *Task
	running    int
	long       int            // running for longer than lookEvery
	owners     map[uint64]int // of what is running
	listed     bool           // in Pool.runnable
}

func (q *queue) push(task *Task) {
	if task.Urgent && q.head != nil {
		task.next = q.head
		q.head = task
		return
	}
	task.next = nil
	if q.tail == nil {
		q.head = task
	} else {
		q.tail.next = task
	}
	q.tail = task
}

// next is the task to run next, or nil if none may run. As long as the share is not used up it
// is the first of all, then the first of an owner who has nothing under way, then an urgent
// one of such an owner; lent threads do not count. The search is short, since an owner has few
// tasks and few owners have any under way.
func (q *queue) next(share, lent int, apart bool) *Task {
	counted := q.running - lent
	switch {
	case q.head == nil:
		return nil
	case q.running < share:
		return q.head
	case !apart || counted >= share+Apart:
		return nil
	}
	for task := q.head; task != nil; task = task.next {
		waits := q.owners[task.Owner] == 0
		if waits && (task.Urgent || task.Owner != 0 && counted <= share) {
			return task
		}
	}
	return nil
}

// take takes out the next task; there must be one.
func (q *queue) take(share, lent int, apart bool) *Task {
	task := q.next(share, lent, apart)
	var before *Task
	if task != q.head {
		for before = q.head; before.next != task; {
			before = before.next
		}
		before.next = task.next
	} else {
		q.head = task.next
	}
	if q.tail == task {
		q.tail = before
	}
	task.next = nil
	q.running++
	if task.Owner != 0 {
		if q.owners == nil {
			q.owners = map[uint64]int{}
		}
		q.owners[task.Owner]++
	}
	return task
}

// done notes that a task of an owner has run.
func (q *queue) done(owner uint64) {
	q.running--
	if owner == 0 {
		return
	}
	if q.owners[owner]--; q.owners[owner] <= 0 {
		delete(q.owners, owner)
	}
}

// tokens is a Waiter that brings no work of its own: a Wake is a token for one Wait.
type tokens struct {
	available chan struct{}
	end       sync.Once
	ended     chan struct{}
}

func newTokens() *tokens {
	return &tokens{available: make(chan struct{}, Total), ended: make(chan struct{})}
}

func (t *tokens) Wait() {
	select {
	case <-t.available:
	case <-t.ended:
	}
}

func (t *tokens) Wake() {
	select {
	case t.available <- struct{}{}:
	default: // as many tokens as threads: all of them will look
	}
}

func (t *tokens) End() { t.end.Do(func() { close(t.ended) }) }
