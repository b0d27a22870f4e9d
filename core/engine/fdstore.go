package engine

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// fdStore is the service manager's store of descriptors (systemd, FileDescriptorStoreMax=):
// a pipe lives, with its bytes, as long as somebody has it open, and the manager does
// while this process is dead. Where there is none, its methods do nothing.
//
// The activation package of go-systemd is not used: it makes files of all descriptors
// that were passed, also of those that are the host's own.
type fdStore struct {
	address string // of the notification socket; empty: there is no store
	socket  int
	prefix  string // of the names of our descriptors
	failed  func(error)
}

// newFDStore reads $NOTIFY_SOCKET (sd_notify(3)). The store's names tell state
// directories apart by their inode. failed hears of the first failure.
func newFDStore(stateInode uint64, failed func(error)) *fdStore {
	s := &fdStore{socket: -1, prefix: fmt.Sprintf("%s%x-", storedPrefix, stateInode)}
	var once sync.Once
	s.failed = func(err error) { once.Do(func() { failed(err) }) }
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" || address[0] != '/' && address[0] != '@' {
		return s
	}
	var err error
	s.socket, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		s.failed(err)
		return s
	}
	s.address = address
	return s
}

// keep has the manager keep a duplicate of pipe. It never blocks. FDPOLL=0: else the
// manager would drop the descriptor when the last writer has gone, with the bytes.
func (s *fdStore) keep(id string, pipe int) {
	s.send("FDSTORE=1\nFDPOLL=0\nFDNAME="+s.prefix+id, unix.UnixRights(pipe))
}

// forget has the manager close its duplicate.
func (s *fdStore) forget(id string) { s.send("FDSTOREREMOVE=1\nFDNAME="+s.prefix+id, nil) }

func (s *fdStore) send(message string, rights []byte) {
	if s.address == "" {
		return
	}
	err := unix.Sendmsg(s.socket, []byte(message), rights, &unix.SockaddrUnix{Name: s.address}, unix.MSG_NOSIGNAL)
	if err != nil {
		s.failed(err)
	}
}

func (s *fdStore) close() {
	if s.socket >= 0 {
		_ = unix.Close(s.socket)
	}
	s.socket, s.address = -1, ""
}

const (
	storedPrefix = "sluice-"
	// firstPassed is the first descriptor that a manager passes (sd_listen_fds(3)).
	firstPassed = 3
)

// passed are the descriptors that the manager gave back to this process, by name. A
// number means something only once: later it may be the host's.
var passed struct {
	once sync.Once
	mu   sync.Mutex
	fds  map[string]int
}

// claim gives the descriptors of this store that were passed back, close-on-exec, by
// the id of their stream. The caller takes them. The environment stays as it is.
func (s *fdStore) claim() map[string]int {
	passed.once.Do(func() {
		passed.fds = passedBack(os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES"))
	})
	passed.mu.Lock()
	defer passed.mu.Unlock()
	claimed := map[string]int{}
	for name, fd := range passed.fds {
		if id, ours := strings.CutPrefix(name, s.prefix); ours {
			claimed[id] = fd
			delete(passed.fds, name)
		}
	}
	return claimed
}

// passedBack finds the pipes with names of ours among what was passed.
func passedBack(pid, count, names string) map[string]int {
	if pid != strconv.Itoa(os.Getpid()) {
		return nil
	}
	n, err := strconv.Atoi(count)
	if err != nil {
		return nil
	}
	found := map[string]int{}
	for i, name := range strings.Split(names, ":") {
		fd := firstPassed + i
		if i >= n || !strings.HasPrefix(name, storedPrefix) || !isPipe(fd) {
			continue
		}
		unix.CloseOnExec(fd)
		if _, twice := found[name]; twice {
			_ = unix.Close(fd)
			continue
		}
		found[name] = fd
	}
	return found
}

func isPipe(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO
}
