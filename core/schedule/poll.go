package schedule

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Keys in the epoll set that are not those of members.
const (
	timerKey  = -1
	wakeKey   = -2
	stopKey   = -3
	listenKey = -4
)

func (l *Loop) openDescriptors() (err error) {
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("make an epoll set: %w", err)
	}
	if l.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		return fmt.Errorf("make a timer: %w", err)
	}
	if l.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("make an event: %w", err)
	}
	if l.stop, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("make an event: %w", err)
	}
	// Edge-triggered: an expiry or a wake-up reaches one thread, and is forgotten without
	// being read. The end reaches all, again and again.
	for fd, key := range map[int]int32{l.timer: timerKey, l.wake: wakeKey} {
		if err := l.control(unix.EPOLL_CTL_ADD, fd, key, unix.EPOLLIN|unix.EPOLLET); err != nil {
			return err
		}
	}
	return l.control(unix.EPOLL_CTL_ADD, l.stop, stopKey, unix.EPOLLIN)
}

// Listen calls asked, on a worker thread, when somebody connects to the listener: once, until
// ListenAgain. asked must not block.
func (l *Loop) Listen(listener int, asked func()) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = asked
	return l.control(unix.EPOLL_CTL_ADD, listener, listenKey, unix.EPOLLIN|unix.EPOLLONESHOT)
}

// ListenAgain calls asked once more.
func (l *Loop) ListenAgain(listener int) {
	_ = l.control(unix.EPOLL_CTL_MOD, listener, listenKey, unix.EPOLLIN|unix.EPOLLONESHOT)
}

func (l *Loop) closeDescriptors() {
	for _, fd := range []int{l.epoll, l.timer, l.wake, l.stop} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

func (l *Loop) control(operation, fd int, key int32, events uint32) error {
	event := unix.EpollEvent{Events: events, Fd: key}
	if err := unix.EpollCtl(l.epoll, operation, fd, &event); err != nil {
		return fmt.Errorf("change the epoll set: %w", err)
	}
	return nil
}

// Wait is where the workers wait: for pipes, the clock and Wake (worker.Waiter).
func (l *Loop) Wait() {
	var events [64]unix.EpollEvent
	n, errno := awaitEvents(l.epoll, events[:])
	if errno != 0 {
		return // EINTR: the caller looks for work and comes back
	}
	l.wakeups.Add(1)
	l.dispatch(events[:n], time.Now())
}

// Wake makes one worker come out of Wait.
func (l *Loop) Wake() { signal(l.wake) }

// End makes all workers come out of Wait, now and from now on.
func (l *Loop) End() { signal(l.stop) }

// signal adds one to an eventfd. Its counter never gets near the value at which that blocks.
func signal(fd int) {
	one := [8]byte{1}
	_, _ = unix.Write(fd, one[:])
}

// armLocked asks the kernel to report when the pipe of m has something, once (EPOLLONESHOT),
// so that the writes after the first wake nobody.
func (l *Loop) armLocked(m *Member) error {
	operation := unix.EPOLL_CTL_MOD
	if !m.inSet {
		operation = unix.EPOLL_CTL_ADD
	}
	if err := l.control(operation, m.stream.PipeFD(), m.key, unix.EPOLLIN|unix.EPOLLONESHOT); err != nil {
		return err
	}
	m.inSet, m.place = true, Armed
	return nil
}

// disarmLocked takes the pipe of m out of the epoll set.
func (l *Loop) disarmLocked(m *Member) {
	if m.inSet {
		_ = l.control(unix.EPOLL_CTL_DEL, m.stream.PipeFD(), m.key, 0)
		m.inSet = false
	}
}

// setTimerLocked makes the timer expire when the first member is due.
func (l *Loop) setTimerLocked(now time.Time) {
	if len(l.waiting) == 0 {
		return
	}
	first := l.waiting[0].due
	if !l.wakeAt.IsZero() && !first.Before(l.wakeAt) {
		return
	}
	l.wakeAt = first
	in := max(time.Nanosecond, first.Sub(now))
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(in))}
	_ = unix.TimerfdSettime(l.timer, 0, &spec, nil)
}

// dueHeap orders members by when they are due.
type dueHeap []*Member

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push is for container/heap.
func (h *dueHeap) Push(x any) { *h = append(*h, x.(*Member)) }

// Pop is for container/heap.
func (h *dueHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
