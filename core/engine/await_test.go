package engine

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Whoever waits holds up neither the collector nor anybody else, and is told what came.
func TestAwaitedEventsAreTold(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	s, err := newScheduler(0, nil)
	require.NoError(t, err)
	defer s.release()
	for range 100 {
		told := make(chan []int32)
		go func() {
			var events [4]unix.EpollEvent
			n, errno := awaitEvents(s.epoll, events[:])
			for errno == unix.EINTR { // by a signal of the runtime's, as Wait has it too
				n, errno = awaitEvents(s.epoll, events[:])
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
		s.Wake()
		assert.Equal(t, []int32{wakeKey}, <-told)
	}
}

func TestAwaitingWithoutASet(t *testing.T) {
	_, errno := awaitEvents(-1, make([]unix.EpollEvent, 1))
	assert.Equal(t, unix.EBADF, errno)
}

func TestTableOfDescriptorsIsReserved(t *testing.T) {
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	newTestbed(t).open().Close()
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	fields := strings.Fields(string(status))
	size, err := strconv.ParseUint(fields[slices.Index(fields, "FDSize:")+1], 10, 64)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, size, min(limit.Cur, reservedDescriptors))
}
