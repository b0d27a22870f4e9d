package engine

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// manager stands in for a service manager with a store of descriptors.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
	kept map[string]int
}

func newManager(t *testing.T) *manager {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return &manager{t: t, conn: conn, kept: map[string]int{}}
}

// receive takes one message, as systemd does.
func (m *manager) receive() {
	m.t.Helper()
	message, rights := make([]byte, 4096), make([]byte, 256)
	n, rn, _, _, err := m.conn.ReadMsgUnix(message, rights)
	require.NoError(m.t, err)
	lines := strings.Split(string(message[:n]), "\n")
	name, named := strings.CutPrefix(lines[len(lines)-1], "FDNAME=")
	require.True(m.t, named, "%q", lines)
	switch lines[0] {
	case "FDSTORE=1":
		require.Equal(m.t, "FDPOLL=0", lines[1])
		controls, err := unix.ParseSocketControlMessage(rights[:rn])
		require.NoError(m.t, err)
		fds, err := unix.ParseUnixRights(&controls[0])
		require.NoError(m.t, err)
		m.kept[name] = fds[0]
	case "FDSTOREREMOVE=1":
		require.Contains(m.t, m.kept, name)
		require.NoError(m.t, unix.Close(m.kept[name]))
		delete(m.kept, name)
	default:
		require.Fail(m.t, "unexpected message", "%q", lines)
	}
}

// passBack is the start of the service's next process. The numbers must be free in
// this process, which is that one too; so they are taken where the kernel gives them,
// and the empty places before are ones that are not ours.
func (m *manager) passBack() {
	m.t.Helper()
	highest := 0
	for _, fd := range m.kept {
		highest = max(highest, fd)
	}
	names := make([]string, highest+1-firstPassed)
	for i := range names {
		names[i] = "the-hosts-own"
	}
	for name, fd := range m.kept {
		names[fd-firstPassed] = name
	}
	m.t.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
	m.t.Setenv("LISTEN_FDS", strconv.Itoa(len(names)))
	m.t.Setenv("LISTEN_FDNAMES", strings.Join(names, ":"))
	passed.once, passed.fds = sync.Once{}, nil
	m.kept = map[string]int{}
}

// A container that ends while nobody is there leaves its last bytes behind.
func TestStoreKeepsTheLastBytes(t *testing.T) {
	m := newManager(t)
	b := newTestbed(t)
	e := b.open()
	stdout, stderr := b.prepare(e, "c")
	m.receive()
	m.receive()
	require.Len(t, m.kept, 2)
	waitFor(func() bool { return e.Metrics().Visits >= 2 })
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
	for range 4 {
		m.receive()
	}
	e.Close()
	assert.Empty(t, m.kept, "the store is told when a stream has ended")
	assert.Equal(t, environment, os.Environ())
	assert.Less(t, countDescriptors(t), descriptors, "what was passed back is closed")
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
		want                    map[string]int
	}{
		{"ours", self, fmt.Sprint(len(names)), all, map[string]int{"sluice-1-a": pipe[0]}},
		{"another process's", "1", fmt.Sprint(len(names)), all, nil},
		{"nothing passed", "", "", "", nil},
		{"no number", self, "many", all, nil},
		{"fewer than names", self, "0", all, map[string]int{}},
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
