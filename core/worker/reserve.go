package worker

import (
	"fmt"
	"runtime"
	"sync"
	"time"

	"sluice/core/guard"
)

// Reserve has the Go runtime start threads until n can be blocked in the kernel at once,
// beside those of its processors. The runtime keeps them: it ends a thread only together with
// a goroutine that is locked to it. From then on, existing threads replace those that block in
// the kernel and those that become workers. Without them the runtime would have to start one
// at a moment of its own choice, and it cannot go on if that fails.
//
// Reserves add up: each user in this process has its own until it calls release. An error says
// that the threads could not be started within patience.
func Reserve(n int, g *guard.Guard, patience time.Duration) (release func(), err error) {
	reserved.mu.Lock()
	defer reserved.mu.Unlock()
	reserved.threads += n
	release = sync.OnceFunc(func() {
		reserved.mu.Lock()
		defer reserved.mu.Unlock()
		reserved.threads -= n
	})
	if err := busyAtOnce(reserved.threads+ofTheRuntime(), g, patience); err != nil {
		reserved.threads -= n
		return nil, err
	}
	return release, nil
}

// Missing is how many threads Reserve would start at most.
func Missing(n int) int {
	reserved.mu.Lock()
	defer reserved.mu.Unlock()
	there, _ := runtime.ThreadCreateProfile(nil)
	return max(0, reserved.threads+n+ofTheRuntime()-there)
}

// ofTheRuntime is how many threads it needs beside those that are blocked. Each of its
// processors has one, and may have another that has given the processor up and is not at rest
// yet, which takes it a few more microseconds on a processor of the machine. One waits in the
// poller. The rest are for two such threads of one processor at a time.
func ofTheRuntime() int { return 2*runtime.GOMAXPROCS(0) + 1 + inPassing }

const inPassing = 5

var reserved struct {
	mu      sync.Mutex
	threads int
}

// busyAtOnce keeps n goroutines, each locked to a thread, until all are there.
func busyAtOnce(n int, g *guard.Guard, patience time.Duration) error {
	here, leave, left := make(chan struct{}, n), make(chan struct{}), make(chan struct{}, n)
	for range n {
		g.Go("reserve a thread", func() {
			defer func() { left <- struct{}{} }()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			here <- struct{}{}
			<-leave
		})
	}
	arrived, err := await(n, here, patience)
	close(leave)
	for range arrived {
		<-left // only now does the runtime have the threads back
	}
	return err
}

// await receives n times, but for no longer than patience.
func await(n int, here <-chan struct{}, patience time.Duration) (arrived int, err error) {
	late := time.NewTimer(patience)
	defer late.Stop()
	for i := range n {
		select {
		case <-here:
		case <-late.C:
			return i, fmt.Errorf("%d of the %d threads that the logger needs could be started within %v: there are too few processes", i, n, patience)
		}
	}
	return n, nil
}
