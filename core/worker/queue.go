package worker

import "sync"

// queue is the work on one file system, in order of submission. The pool's lock
// guards it.
type queue struct {
	device     uint64
	head, tail *Task
	running    int
	listed     bool // in Pool.runnable
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

func (q *queue) pop() *Task {
	task := q.head
	q.head = task.next
	if q.head == nil {
		q.tail = nil
	}
	task.next = nil
	return task
}

// tokens is a Waiter where nothing comes from: a Wake is a token for one Wait.
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
