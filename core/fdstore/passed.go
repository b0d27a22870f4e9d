package fdstore

import (
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"sluice/core/state"
)

const (
	namePrefix = "sluice-"
	// firstPassed is the first descriptor that a manager passes (sd_listen_fds(3)).
	firstPassed = 3
)

// passed are the descriptors that the manager gave back to this process, by name. A number
// means something only once: later it may be the host's.
//
// The activation package of go-systemd does not do: it makes files of all descriptors that were
// passed, even of those that are the host's own.
var passed struct {
	once sync.Once
	mu   sync.Mutex
	fds  map[string]passedPipe
}

// passedPipe is a descriptor that was passed back.
type passedPipe struct {
	fd    int
	extra bool // another one had the same name
}

// Claim gives the descriptors of this store that were passed back, close-on-exec, by the id of
// their stream. fifos has the id for each pipe; for one that is not in there the name is the id.
// The caller takes them, and has the manager, which still has all of them, forget those that it
// does not serve. The environment stays as it is.
func (s *Store) Claim(fifos map[state.Inode]string) map[string]int {
	passed.once.Do(func() {
		passed.fds = passedBack(os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES"))
	})
	passed.mu.Lock()
	defer passed.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	claimed := map[string]int{}
	for name, p := range passed.fds {
		if !strings.HasPrefix(name, s.prefix) {
			continue
		}
		delete(passed.fds, name)
		id, known := fifos[state.InodeOf(p.fd)]
		if !known {
			id = name
		}
		if before, twice := claimed[id]; twice { // also under a name from 0.1.0
			_ = unix.Close(before)
		}
		claimed[id] = p.fd
		if s.address == "" {
			continue
		}
		if s.pipes[id] == nil {
			s.pipes[id] = &storedPipe{}
		}
		stored := s.pipes[id]
		stored.names, stored.extra = append(stored.names, name), stored.extra || p.extra
		s.names += len(name) + 1
	}
	return claimed
}

// Restart forgets what this process remembers, as if it were the next process of its unit. It is
// for tests.
func Restart() {
	passed.mu.Lock()
	defer passed.mu.Unlock()
	passed.once, passed.fds = sync.Once{}, nil
	stores.Lock()
	defer stores.Unlock()
	stores.all = nil
}

// passedBack finds the pipes with our names among what was passed.
func passedBack(pid, count, names string) map[string]passedPipe {
	if pid != strconv.Itoa(os.Getpid()) {
		return nil
	}
	n, err := strconv.Atoi(count)
	if err != nil {
		return nil
	}
	found := map[string]passedPipe{}
	for i, name := range strings.Split(names, ":") {
		fd := firstPassed + i
		if i >= n || !strings.HasPrefix(name, namePrefix) || !isPipe(fd) {
			continue
		}
		unix.CloseOnExec(fd)
		if first, twice := found[name]; twice {
			_ = unix.Close(fd)
			found[name] = passedPipe{first.fd, true}
			continue
		}
		found[name] = passedPipe{fd: fd}
	}
	return found
}

func isPipe(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO
}
