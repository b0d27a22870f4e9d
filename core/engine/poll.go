package engine

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Keys of the epoll set that are not entries.
const (
	timerKey  = -1
	wakeKey   = -2
	stopKey   = -3
	listenKey = -4
)

func (s *scheduler) openDescriptors() (err error) {
	if s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("make an epoll set: %w", err)
	}
	if s.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		return fmt.Errorf("make a timer: %w", err)
	}
	if s.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("make an event: %w", err)
	}
	if s.stop, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("make an event: %w", err)
	}
	// Edge-triggered: an expiry or a wake-up is told to one thread and need not be
	// read to be forgotten. The end is told to all, again and again.
	for fd, key := range map[int]int32{s.timer: timerKey, s.wake: wakeKey} {
		if err := s.control(unix.EPOLL_CTL_ADD, fd, key, unix.EPOLLIN|unix.EPOLLET); err != nil {
			return err
		}
	}
	return s.control(unix.EPOLL_CTL_ADD, s.stop, stopKey, unix.EPOLLIN)
}

// listen has asked called, on a worker thread, when somebody connects to the listener:
// once, until listenAgain. asked must not block.
func (s *scheduler) listen(listener int, asked func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = asked
	return s.control(unix.EPOLL_CTL_ADD, listener, listenKey, unix.EPOLLIN|unix.EPOLLONESHOT)
}

func (s *scheduler) listenAgain(listener int) {
	_ = s.control(unix.EPOLL_CTL_MOD, listener, listenKey, unix.EPOLLIN|unix.EPOLLONESHOT)
}

func (s *scheduler) closeDescriptors() {
	for _, fd := range []int{s.epoll, s.timer, s.wake, s.stop} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

func (s *scheduler) control(operation, fd int, key int32, events uint32) error {
	event := unix.EpollEvent{Events: events, Fd: key}
	if err := unix.EpollCtl(s.epoll, operation, fd, &event); err != nil {
		return fmt.Errorf("change the epoll set: %w", err)
	}
	return nil
}

// Wait is where the workers wait: for pipes, the clock and Wake (worker.Waiter).
func (s *scheduler) Wait() {
	var events [64]unix.EpollEvent
	n, errno := awaitEvents(s.epoll, events[:])
	if errno != 0 {
		return // EINTR: the caller looks for work and comes back
	}
	s.wakeups.Add(1)
	s.dispatch(events[:n], time.Now())
}

// Wake makes one worker come out of Wait.
func (s *scheduler) Wake() { signal(s.wake) }

// End makes all workers come out of Wait, now and from now on.
func (s *scheduler) End() { signal(s.stop) }

// signal adds one to an eventfd. Its counter cannot get near where that would block.
func signal(fd int) {
	one := [8]byte{1}
	_, _ = unix.Write(fd, one[:])
}

// arm asks the kernel to tell when the pipe of e has something: once
// (EPOLLONESHOT), so that the writes after the first wake nobody.
func (s *scheduler) arm(e *entry) error {
	operation := unix.EPOLL_CTL_MOD
	if !e.inSet {
		operation = unix.EPOLL_CTL_ADD
	}
	if err := s.control(operation, e.stream.Pipe, e.key, unix.EPOLLIN|unix.EPOLLONESHOT); err != nil {
		return err
	}
	e.inSet, e.armed = true, true
	return nil
}

// disarm takes the pipe of e out of the epoll set.
func (s *scheduler) disarm(e *entry) {
	if e.inSet {
		_ = s.control(unix.EPOLL_CTL_DEL, e.stream.Pipe, e.key, 0)
		e.inSet = false
	}
}

// setTimer makes the timer expire when the first entry is due.
func (s *scheduler) setTimer(now time.Time) {
	if len(s.waiting) == 0 {
		return
	}
	first := s.waiting[0].due
	if !s.wakeAt.IsZero() && !first.Before(s.wakeAt) {
		return
	}
	s.wakeAt = first
	in := max(time.Nanosecond, first.Sub(now))
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(in))}
	_ = unix.TimerfdSettime(s.timer, 0, &spec, nil)
}

// dueHeap orders entries by when they are due.
type dueHeap []*entry

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push is for container/heap.
func (h *dueHeap) Push(x any) { *h = append(*h, x.(*entry)) }

// Pop is for container/heap.
func (h *dueHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	*h = old[:len(old)-1]
	return e
}
