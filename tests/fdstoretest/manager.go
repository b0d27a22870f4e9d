// Package fdstoretest stands in for a service manager that keeps descriptors.
package fdstoretest

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Manager does what systemd does with its store of descriptors (service_add_fd_store and
// service_notify_message in src/core/service.c): what is over FileDescriptorStoreMax= is
// closed without a word; names need not be unique, and what is stored twice is kept twice
// unless it is the same open file; a name that it does not like is "stored"; a removal takes
// all that have the name; and the next process gets everything, which stays in the store.
// Its methods may be called concurrently.
type Manager struct {
	t    *testing.T
	conn *net.UnixConn

	mu   sync.Mutex
	most int
	kept []keptFD
	told Told
}

// Told is what a manager was told, in messages.
type Told struct{ Stored, Removed, Refused int }

type keptFD struct {
	name string
	fd   int
}

// firstPassed is the first descriptor that a manager passes (sd_listen_fds(3)).
const firstPassed = 3

// New makes a manager for this process, to the end of the test. Messages wait in its queue
// until Run or Receive takes them.
func New(t *testing.T) *Manager {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	t.Setenv("NOTIFY_SOCKET", path)
	m := &Manager{t: t, conn: conn, most: 1 << 20}
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

// Limit is FileDescriptorStoreMax=.
func (m *Manager) Limit(most int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.most = most
}

// Run takes messages until the test ends.
func (m *Manager) Run() {
	go func() {
		for m.Receive() {
		}
	}()
}

// Receive takes one message.
func (m *Manager) Receive() bool {
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
		for _, fd := range m.descriptors(rights[:rn]) {
			_ = unix.Close(fd)
		}
	case "FDSTORE=1":
		assert.Equal(m.t, "FDPOLL=0", lines[1])
		for _, fd := range m.descriptors(rights[:rn]) {
			m.storeLocked(name, fd)
		}
	case "FDSTOREREMOVE=1":
		m.told.Removed++
		m.kept = slices.DeleteFunc(m.kept, func(k keptFD) bool { return k.name == name && unix.Close(k.fd) == nil })
	default:
		assert.Fail(m.t, "unexpected message", "%q", lines)
	}
	return true
}

func (m *Manager) descriptors(message []byte) []int {
	controls, err := unix.ParseSocketControlMessage(message)
	require.NoError(m.t, err)
	fds, err := unix.ParseUnixRights(&controls[0])
	require.NoError(m.t, err)
	return fds
}

// Store is FDSTORE=1 of a process before this one. It takes fd.
func (m *Manager) Store(name string, fd int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.storeLocked(name, fd)
}

func (m *Manager) storeLocked(name string, fd int) {
	m.told.Stored++
	if len(m.kept) >= m.most {
		m.told.Refused++
		_ = unix.Close(fd)
		return
	}
	for _, k := range m.kept {
		if sameOpenFile(k.fd, fd) {
			_ = unix.Close(fd)
			return
		}
	}
	if !validName(name) {
		name = "stored"
	}
	m.kept = append(m.kept, keptFD{name, fd})
}

// validName is fdname_is_valid of src/basic/fd-util.c.
func validName(name string) bool {
	return len(name) <= 255 && !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r >= 127 || r == ':' })
}

// sameOpenFile is kcmp(2) with KCMP_FILE.
func sameOpenFile(a, b int) bool {
	pid := uintptr(os.Getpid())
	order, _, errno := unix.Syscall6(unix.SYS_KCMP, pid, pid, 0, uintptr(a), uintptr(b), 0)
	return errno == 0 && order == 0
}

// Names are those in the store, sorted.
func (m *Manager) Names() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	names := []string{}
	for _, k := range m.kept {
		names = append(names, k.name)
	}
	slices.Sort(names)
	return names
}

// Has tells whether the store has so many descriptors.
func (m *Manager) Has(count int) bool { return len(m.Names()) == count }

// Told gives what it was told until now.
func (m *Manager) Told() Told {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.told
}

// PassBack is the start of the service's next process, which is this one too, once
// fdstore.Restart was called. The numbers
// must be free in it; so they are taken where the kernel gives them, and the empty places
// before are ones that are not ours.
func (m *Manager) PassBack() {
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
}
