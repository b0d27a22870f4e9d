package engine

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/guard"
)

// manager stands in for systemd, with what its store of descriptors does (src/core/service.c):
// names need not be unique, and what is stored twice is kept twice unless it is the same
// open file; a removal takes all that have the name; what is over FileDescriptorStoreMax=
// is closed without a word; and the next process gets everything, which stays in the store.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
	most int

	mu      sync.Mutex
	kept    []keptFD
	stored  int // messages
	removed int
	refused int
}

type keptFD struct {
	name string
	fd   int
}

func newManager(t *testing.T) *manager {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	t.Setenv("NOTIFY_SOCKET", path)
	m := &manager{t: t, conn: conn, most: 1 << 20}
	t.Cleanup(func() {
		_ = conn.Close()
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, k := range m.kept {
			_ = unix.Close(k.fd)
		}
	})
	return m
}

// run takes messages until the test ends.
func (m *manager) run() {
	go func() {
		for m.receive() {
		}
	}()
}

// receive takes one message.
func (m *manager) receive() bool {
	message, rights := make([]byte, 4096), make([]byte, 256)
	n, rn, _, _, err := m.conn.ReadMsgUnix(message, rights)
	if err != nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	lines := strings.Split(string(message[:n]), "\n")
	name, named := strings.CutPrefix(lines[len(lines)-1], "FDNAME=")
	assert.True(m.t, named || lines[0] == "BARRIER=1", "%q", lines)
	switch lines[0] {
	case "BARRIER=1":
		closeAll(rightsOf(m.t, rights[:rn]))
	case "FDSTORE=1":
		assert.Equal(m.t, "FDPOLL=0", lines[1])
		m.store(name, rightsOf(m.t, rights[:rn])[0])
	case "FDSTOREREMOVE=1":
		m.removed++
		m.kept = slices.DeleteFunc(m.kept, func(k keptFD) bool { return k.name == name && unix.Close(k.fd) == nil })
	default:
		assert.Fail(m.t, "unexpected message", "%q", lines)
	}
	return true
}

func rightsOf(t *testing.T, message []byte) []int {
	controls, err := unix.ParseSocketControlMessage(message)
	require.NoError(t, err)
	fds, err := unix.ParseUnixRights(&controls[0])
	require.NoError(t, err)
	return fds
}

func (m *manager) store(name string, fd int) {
	m.stored++
	for _, k := range m.kept {
		if sameOpenFile(k.fd, fd) {
			_ = unix.Close(fd)
			return
		}
	}
	if len(m.kept) >= m.most {
		m.refused++
		_ = unix.Close(fd)
		return
	}
	m.kept = append(m.kept, keptFD{name, fd})
}

// sameOpenFile is kcmp(2) with KCMP_FILE.
func sameOpenFile(a, b int) bool {
	pid := uintptr(os.Getpid())
	order, _, errno := unix.Syscall6(unix.SYS_KCMP, pid, pid, 0, uintptr(a), uintptr(b), 0)
	return errno == 0 && order == 0
}

// names are those in the store, sorted.
func (m *manager) names() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	names := []string{}
	for _, k := range m.kept {
		names = append(names, k.name)
	}
	slices.Sort(names)
	return names
}

func (m *manager) has(count int) bool { return len(m.names()) == count }

// messages that stored something.
func (m *manager) messages() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stored
}

// passBack is the start of the service's next process, which is this one too. The numbers
// must be free in it; so they are taken where the kernel gives them, and the empty places
// before are ones that are not ours.
func (m *manager) passBack() {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	var dups []keptFD
	highest := firstPassed
	for _, k := range m.kept {
		fd, err := unix.Dup(k.fd)
		require.NoError(m.t, err)
		dups = append(dups, keptFD{k.name, fd})
		highest = max(highest, fd)
	}
	names := make([]string, highest+1-firstPassed)
	for i := range names {
		names[i] = "the-hosts-own"
	}
	for _, k := range dups {
		names[k.fd-firstPassed] = k.name
	}
	m.t.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
	m.t.Setenv("LISTEN_FDS", strconv.Itoa(len(names)))
	m.t.Setenv("LISTEN_FDNAMES", strings.Join(names, ":"))
	passed.once, passed.fds = sync.Once{}, nil
	stores.all = nil // what a process remembers
}

// A container that ends while nobody is there leaves its last bytes behind.
func TestStoreKeepsTheLastBytes(t *testing.T) {
	m := newManager(t)
	m.run()
	b := newTestbed(t)
	e := b.open()
	stdout, stderr := b.prepare(e, "c")
	waitFor(func() bool { return m.has(2) && e.Metrics().Visits >= 2 })
	e.Close()

	_, err := stdout.WriteString("last words\n")
	require.NoError(t, err)
	require.NoError(t, stdout.Close())
	require.NoError(t, stderr.Close())
	m.passBack()
	environment := os.Environ()
	descriptors := countDescriptors(t)
	e = b.open()
	waitEnded(e)
	assert.Equal(t, "last words\n", string(b.series("c", "stdout", 10<<20)))
	waitFor(func() bool { return m.has(0) }) // the store is told when a stream has ended
	e.Close()
	assert.Equal(t, environment, os.Environ())
	assert.Less(t, countDescriptors(t), descriptors, "what was passed back is closed")
}

// However often the agent starts, the store has one descriptor for each stream.
func TestTheStoreDoesNotGrowWithRestarts(t *testing.T) {
	m := newManager(t)
	m.run()
	b := newTestbed(t)
	e := b.open()
	var files []*os.File
	for i := range 10 {
		stdout, stderr := b.prepare(e, fmt.Sprintf("c%d", i))
		files = append(files, stdout, stderr)
		waitFor(func() bool { return len(slices.Compact(m.names())) == len(files) })
		stored := m.messages()
		e.Close()
		m.passBack()
		e = b.open()
		require.EqualValues(t, len(files), e.Metrics().Streams)
		require.Len(t, m.names(), len(files), "after start %d", i+1)
		assert.Equal(t, stored, m.messages(), "what was passed back is in the store already")
	}
	for _, f := range files {
		require.NoError(t, f.Close())
	}
	waitEnded(e)
	waitFor(func() bool { return m.has(0) })
	e.Close()
}

// A keeper owns again and again within one process.
func TestTheStoreOfAnOwnerThatOwnsAgain(t *testing.T) {
	m := newManager(t)
	b := newTestbed(t)
	stdout, stderr := b.abandoned("c")
	for range 5 {
		e := b.open()
		closeAll(e.HandOver()) // the manager has not looked into its queue once
	}
	e := b.open()
	m.run()
	waitFor(func() bool { return m.has(2) })
	require.NoError(t, stdout.Close())
	require.NoError(t, stderr.Close())
	waitEnded(e)
	waitFor(func() bool { return m.has(0) })
	e.Close()
}

// What a version before this one has left under one name becomes one.
func TestTheStoreIsTidiedUp(t *testing.T) {
	m := newManager(t)
	b := newTestbed(t)
	e := b.open()
	stdout, stderr := b.prepare(e, "c")
	for range 2 {
		require.True(t, m.receive())
	}
	fifos, err := e.state.FIFOs()
	require.NoError(t, err)
	for inode, id := range fifos {
		for i := range 3 {
			pipe, err := e.state.OpenReading(id)
			require.NoError(t, err)
			name := e.store.prefix + strconv.FormatUint(inode.Number, 36)
			if i > 0 { // as 0.1.0 names it
				name = e.store.prefix + id
			}
			m.store(name, pipe)
		}
	}
	e.Close()
	require.Len(t, m.names(), 8)
	m.passBack()
	m.run()
	e = b.open()
	waitFor(func() bool { return m.has(2) })
	require.NoError(t, stdout.Close())
	require.NoError(t, stderr.Close())
	waitEnded(e)
	waitFor(func() bool { return m.has(0) })
	e.Close()
}

// The queue of a manager that has much else to do is full: nothing is lost for it, and
// the unit is not blamed.
func TestABurstReachesTheStore(t *testing.T) {
	const streams = 1200 // several times the queue
	m := newManager(t)
	var log []string
	guard := guard.New(slog.New(slog.DiscardHandler))
	pipes := map[string]int{}
	s := newFDStore(1, storeOwner{
		guard:  guard,
		open:   func(id string) (int, error) { return unix.Dup(pipes[id]) },
		failed: func(_ int, err error) { log = append(log, err.Error()) },
	})
	for i := range streams {
		var pipe [2]int
		require.NoError(t, unix.Pipe2(pipe[:], unix.O_CLOEXEC))
		require.NoError(t, unix.Close(pipe[1]))
		pipes[strconv.Itoa(i)] = pipe[0]
	}
	defer func() {
		for _, fd := range pipes {
			_ = unix.Close(fd)
		}
	}()
	for id, fd := range pipes {
		s.keep(id, fd)
	}
	m.run()
	waitFor(func() bool { return m.has(streams) })
	for i := range streams {
		s.forget(strconv.Itoa(i))
		if i%3 == 0 {
			s.keep(strconv.Itoa(i), pipes[strconv.Itoa(i)])
		}
	}
	waitFor(func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.waiting) == 0 && m.has(streams/3)
	})
	for i := range streams {
		s.forget(strconv.Itoa(i))
	}
	s.close()
	waitFor(func() bool { return m.has(0) })
	assert.Empty(t, log)
	assert.Zero(t, guard.Caught())
}

// A manager that is away is told when it is back, and what it has not got by the end of
// the engine is sent then if its queue is only full.
func TestAManagerThatIsAwayIsToldLater(t *testing.T) {
	m := newManager(t)
	path := os.Getenv("NOTIFY_SOCKET")
	require.NoError(t, os.Rename(path, path+".away"))
	b := newTestbed(t)
	e := b.open()
	stdout, stderr := b.prepare(e, "c")
	waitFor(func() bool {
		return strings.Contains(b.log.String(), "the service manager does not keep descriptors")
	})
	require.NoError(t, os.Rename(path+".away", path))
	m.run()
	waitFor(func() bool { return m.has(2) })
	require.NoError(t, stdout.Close())
	require.NoError(t, stderr.Close())
	waitEnded(e)
	waitFor(func() bool { return m.has(0) })
	e.Close()
}

// Since systemd 254 the unit's limit can be seen.
func TestALimitOfTheStoreThatIsTooSmallIsTold(t *testing.T) {
	m := newManager(t)
	m.most = 1
	t.Setenv("FDSTORE", "1")
	m.run()
	b := newTestbed(t)
	e := b.open()
	stdout, stderr := b.prepare(e, "c")
	assert.Contains(t, b.log.String(), "the unit has FileDescriptorStoreMax=1, expected at least 2")
	waitFor(func() bool { m.mu.Lock(); defer m.mu.Unlock(); return m.refused == 1 })
	require.NoError(t, stdout.Close())
	require.NoError(t, stderr.Close())
	waitEnded(e)
	e.Close()
}

func TestPassedBackLeavesWhatIsTheHosts(t *testing.T) {
	var pipe, socket [2]int
	require.NoError(t, unix.Pipe2(pipe[:], 0))
	require.NoError(t, func() (err error) { socket, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0); return }())
	defer closeAll(append(pipe[:], socket[:]...))
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

func TestStoreThatFailsIsReportedOnce(t *testing.T) {
	b := newTestbed(t)
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "nobody"))
	stdout, stderr := b.abandoned("c")
	require.NoError(t, stdout.Close())
	require.NoError(t, stderr.Close())
	assert.Equal(t, 1, strings.Count(b.log.String(), "the service manager does not keep descriptors"))
}

// More than the environment of the next start can name is not sent: that start would fail.
func TestTheNamesOfTheStoreFitIntoAnEnvironment(t *testing.T) {
	m := newManager(t)
	m.run()
	var told []string
	pipes := map[string]int{}
	s := newFDStore(^uint64(0), storeOwner{
		guard:  guard.New(slog.New(slog.DiscardHandler)),
		open:   func(id string) (int, error) { return unix.Dup(pipes[id]) },
		failed: func(_ int, err error) { told = append(told, err.Error()) },
	})
	s.names = storeNamesBytes - 100
	for i := range 8 {
		var pipe [2]int
		require.NoError(t, unix.Pipe2(pipe[:], unix.O_CLOEXEC))
		defer closeAll(pipe[:])
		pipes[strconv.Itoa(i)] = pipe[0]
		s.keep(strconv.Itoa(i), pipe[0])
	}
	assert.LessOrEqual(t, s.names, storeNamesBytes)
	assert.Len(t, told, 1)
	assert.Contains(t, told[0], "would be too long for the environment of the next start")
	waitFor(func() bool { return m.messages() > 0 })
	before := m.messages()
	assert.Less(t, before, 8)
	s.mu.Lock()
	s.names -= 1000 // others have ended
	s.mu.Unlock()
	s.tryAgain()
	waitFor(func() bool { return m.messages() == 8 })
	s.close()
}

// Whether anything is kept only a try tells.
func TestTheStoreIsTried(t *testing.T) {
	m := newManager(t)
	b := newTestbed(t)
	e := b.open()
	defer e.Close()
	assert.Equal(t, NotTold, e.StoreKeeps(0), "nobody has looked into the queue")
	m.run()
	assert.Equal(t, IsKept, e.StoreKeeps(time.Minute))
	waitFor(func() bool { return m.has(0) })
	m.mu.Lock()
	m.most = 0
	m.mu.Unlock()
	assert.Equal(t, NotKept, e.StoreKeeps(time.Minute))
	require.NoError(t, os.Remove(os.Getenv("NOTIFY_SOCKET")))
	assert.Equal(t, NotTold, e.StoreKeeps(time.Minute))
	assert.Equal(t, NoStore, (&Engine{store: &fdStore{}}).StoreKeeps(time.Minute))
}
