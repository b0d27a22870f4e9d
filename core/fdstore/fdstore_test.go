package fdstore

import (
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/guard"
	"sluice/tests/fdstoretest"
)

// pipes is an owner whose streams have these, by id.
type pipes struct {
	t    *testing.T
	fds  map[string]int
	told []string // what is not stored
}

// OpenReading is of Owner.
func (p *pipes) OpenReading(id string) (int, error) { return unix.Dup(p.fds[id]) }

// NotStored is of Owner.
func (p *pipes) NotStored(_ int, err error) { p.told = append(p.told, err.Error()) }

// newPipes makes so many, to the end of the test.
func newPipes(t *testing.T, count int) *pipes {
	t.Helper()
	p := &pipes{t: t, fds: map[string]int{}}
	for i := range count {
		var pipe [2]int
		require.NoError(t, unix.Pipe2(pipe[:], unix.O_CLOEXEC))
		require.NoError(t, unix.Close(pipe[1]))
		p.fds[strconv.Itoa(i)] = pipe[0]
	}
	t.Cleanup(func() {
		for _, fd := range p.fds {
			_ = unix.Close(fd)
		}
	})
	return p
}

func newGuard() *guard.Guard { return guard.New(slog.New(slog.DiscardHandler)) }

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for began := time.Now(); !condition(); time.Sleep(time.Millisecond) {
		require.Less(t, time.Since(began), 2*time.Minute, what)
	}
}

// The queue of a manager that has much else to do is full: nothing is lost for it, and
// the unit is not blamed.
func TestABurstReachesTheStore(t *testing.T) {
	const streams = 1200 // several times the queue
	m := fdstoretest.New(t)
	guard, p := newGuard(), newPipes(t, streams)
	s := Open(1, guard, p)
	for id, fd := range p.fds {
		s.Keep(id, fd)
	}
	m.Run()
	eventually(t, "all are kept", func() bool { return m.Has(streams) })
	for i := range streams {
		id := strconv.Itoa(i)
		s.Forget(id)
		if i%3 == 0 {
			s.Keep(id, p.fds[id])
		}
	}
	eventually(t, "a third is kept", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.waiting) == 0 && m.Has(streams/3)
	})
	for i := range streams {
		s.Forget(strconv.Itoa(i))
	}
	s.Close()
	eventually(t, "none is kept", func() bool { return m.Has(0) })
	for _, why := range p.told { // on a machine that is slow
		assert.Equal(t, unix.EAGAIN.Error(), why)
	}
	assert.Zero(t, guard.Caught())
}

func TestPassedBackLeavesWhatIsTheHosts(t *testing.T) {
	var pipe, socket [2]int
	require.NoError(t, unix.Pipe2(pipe[:], 0))
	require.NoError(t, func() (err error) { socket, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0); return }())
	t.Cleanup(func() {
		for _, fd := range append(pipe[:], socket[:]...) {
			_ = unix.Close(fd)
		}
	})
	names := make([]string, max(pipe[1], socket[1])+1-firstPassed)
	names[pipe[0]-firstPassed] = "sluice-1-a"
	names[socket[0]-firstPassed] = "sluice-1-b"
	names[pipe[1]-firstPassed] = "other"
	all, self := strings.Join(names, ":"), strconv.Itoa(os.Getpid())
	for _, c := range []struct {
		name, pid, count, names string
		want                    map[string]passedPipe
	}{
		{"ours", self, fmt.Sprint(len(names)), all, map[string]passedPipe{"sluice-1-a": {fd: pipe[0]}}},
		{"another process's", "1", fmt.Sprint(len(names)), all, nil},
		{"nothing passed", "", "", "", nil},
		{"no number", self, "many", all, nil},
		{"fewer than names", self, "0", all, map[string]passedPipe{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.want, passedBack(c.pid, c.count, c.names))
		})
	}
	for fd, want := range map[int]int{pipe[0]: unix.FD_CLOEXEC, pipe[1]: 0, socket[0]: 0} {
		got, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
}

// More than the environment of the next start can name is not sent: that start would fail.
func TestTheNamesOfTheStoreFitIntoAnEnvironment(t *testing.T) {
	const streams = 8
	m := fdstoretest.New(t)
	m.Run()
	p := newPipes(t, streams)
	s := Open(^uint64(0), newGuard(), p)
	s.names = mostNamesBytes - 100
	for id, fd := range p.fds {
		s.Keep(id, fd)
	}
	assert.LessOrEqual(t, s.names, mostNamesBytes)
	require.Len(t, p.told, 1)
	assert.Contains(t, p.told[0], "would be too long for the environment of the next start")
	eventually(t, "the first are stored", func() bool { return m.Told().Stored > 0 })
	before := m.Told().Stored
	assert.Less(t, before, streams)
	s.mu.Lock()
	s.names -= 1000 // others have ended
	s.mu.Unlock()
	s.tryAgain()
	eventually(t, "the others are stored", func() bool { return m.Told().Stored == streams })
	s.Close()
}

// Whether anything is kept only a try tells.
func TestTheStoreIsTried(t *testing.T) {
	m := fdstoretest.New(t)
	s := Open(2, newGuard(), newPipes(t, 0))
	defer s.Close()
	assert.Equal(t, NotTold, s.Probe(0), "nobody has looked into the queue")
	m.Run()
	assert.Equal(t, IsKept, s.Probe(time.Minute))
	eventually(t, "the try leaves nothing", func() bool { return m.Has(0) })
	m.Limit(0)
	assert.Equal(t, NotKept, s.Probe(time.Minute))
	require.NoError(t, os.Remove(os.Getenv("NOTIFY_SOCKET")))
	assert.Equal(t, NotTold, s.Probe(time.Minute))
	assert.Equal(t, NoStore, (&Store{}).Probe(time.Minute))
}

// An owner is followed by another in the same process; what the manager has outlives it.
func TestOwnersOfAStoreFollowEachOther(t *testing.T) {
	m := fdstoretest.New(t)
	m.Run()
	p := newPipes(t, 1)
	for range 3 {
		s := Open(3, newGuard(), p)
		s.Keep("0", p.fds["0"])
		eventually(t, "it is stored", func() bool { return m.Has(1) })
		s.Close()
	}
	assert.Equal(t, 1, m.Told().Stored)
	m.PassBack()
	Restart()
	s := Open(3, newGuard(), p)
	claimed := s.Claim(nil)
	require.Len(t, claimed, 1)
	for name, fd := range claimed {
		assert.Equal(t, []string{name}, m.Names(), "a pipe of no stream goes by its name")
		require.NoError(t, unix.Close(fd))
		s.Forget(name)
	}
	eventually(t, "it is forgotten", func() bool { return m.Has(0) })
	s.Close()
}
