package schedule

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Whoever waits holds up neither the collector nor anybody else, and is told what came.
func TestAwaitedEventsAreTold(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	l, err := New(0)
	require.NoError(t, err)
	defer l.Release()
	for range 100 {
		told := make(chan []int32)
		go func() {
			var events [4]unix.EpollEvent
			n, errno := awaitEvents(l.epoll, events[:])
			for errno == unix.EINTR { // by a signal of the runtime's, as Wait has it too
				n, errno = awaitEvents(l.epoll, events[:])
			}
			if !assert.Zero(t, errno) {
				n = 0
			}
			var keys []int32
			for _, event := range events[:n] {
				keys = append(keys, event.Fd)
			}
			told <- keys
		}()
		runtime.GC()
		l.Wake()
		assert.Equal(t, []int32{wakeKey}, <-told)
	}
}

func TestAwaitingWithoutASet(t *testing.T) {
	_, errno := awaitEvents(-1, make([]unix.EpollEvent, 1))
	assert.Equal(t, unix.EBADF, errno)
}
