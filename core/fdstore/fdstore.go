// Package fdstore has the service manager keep the pipes of streams (systemd,
// FileDescriptorStoreMax=). A pipe lives, with its bytes, as long as somebody has it open, and
// the manager does while this process is dead.
//
// The manager keeps all that it is sent, even twice under one name, unless it is the same open
// file (kcmp(2)). It gives all of it to the next process of the unit, and still keeps it, so a
// pipe that was passed back is not stored again. It tells nobody what it took. What cannot be
// sent, because the manager's queue is full for one, is tried again without end.
//
// The manager passes all names in one variable of the environment, which the kernel limits to
// 128 KiB (execve(2), MAX_ARG_STRLEN): with more, the process could not start. So names are
// short, and what would be too much is not sent. A name is the number of the pipe's inode, which
// is not reused as long as somebody has the pipe open.
//
// The package takes no descriptor of its callers; what Claim gives is theirs. What it stores is
// a duplicate, which the manager has.
package fdstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/guard"
	"sluice/core/throttle"
)

// Store is what the service manager keeps for one state directory and process, through all
// times of ownership: a keeper is the owner again and again, and what the manager has outlives
// each time. Without such a manager, as in the zero value, its methods do nothing. They may be
// called concurrently.
type Store struct {
	address string // of the notification socket; empty: there is no store
	prefix  string // of the names of our descriptors

	mu      sync.Mutex
	socket  int // -1: none yet
	names   int // bytes of the names that the manager has
	pipes   map[string]*storedPipe
	waiting map[string]bool // ids that the manager has yet to hear of
	pause   time.Duration   // before the next try
	timer   *time.Timer     // nil: nothing waits
	guard   *guard.Guard    // with the owner
	owner   Owner           // the last one; nil before the first
	owned   bool            // the owner has not closed the store yet
	warned  throttle.Reports
	since   time.Time // when something began to wait
}

// Owner is what a store needs of its owner. It is called with the store's lock held, and must
// not call the store.
type Owner interface {
	// OpenReading opens the reading end of the pipe of a stream, for the store to close. It
	// gives an fs.ErrNotExist if the stream has ended.
	OpenReading(id string) (fd int, err error)
	// NotStored hears, at most once a minute, that descriptors are not kept, and how many.
	NotStored(waiting int, err error)
}

// storedPipe is what the manager should have of a stream, and what it has.
type storedPipe struct {
	wanted bool
	names  []string // under which the manager has it
	extra  bool     // the manager has more than one under such a name
}

func (p *storedPipe) held() bool { return len(p.names) > 0 }

// mostNamesBytes leaves some of the 128 KiB to the host.
const mostNamesBytes = 112 << 10

// stores are those of this process, by address and prefix.
var stores struct {
	sync.Mutex
	all map[string]*Store
}

// Open gives the store of this process for a state directory to its owner, until Close. It
// reads $NOTIFY_SOCKET (sd_notify(3)); the names in the store distinguish state directories by
// their inode. Later tries run under guard.
func Open(stateInode uint64, guard *guard.Guard, owner Owner) *Store {
	address, prefix := os.Getenv("NOTIFY_SOCKET"), fmt.Sprintf("%s%x-", namePrefix, stateInode)
	if address == "" || address[0] != '/' && address[0] != '@' {
		return &Store{prefix: prefix}
	}
	stores.Lock()
	defer stores.Unlock()
	s := stores.all[address+prefix]
	if s == nil {
		s = &Store{
			address: address, prefix: prefix, socket: -1,
			pipes: map[string]*storedPipe{}, waiting: map[string]bool{}, pause: retrySoon,
		}
		if stores.all == nil {
			stores.all = map[string]*Store{}
		}
		stores.all[address+prefix] = s
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.guard, s.owner, s.owned = guard, owner, true
	return s
}

// Keep has the manager keep a duplicate of the pipe of a stream, unless it has one. It borrows
// pipe for the call, and never blocks.
func (s *Store) Keep(id string, pipe int) { s.want(id, true, pipe) }

// Forget has the manager close its duplicate. It never blocks.
func (s *Store) Forget(id string) { s.want(id, false, notOpen) }

const notOpen = -1

func (s *Store) want(id string, wanted bool, pipe int) {
	if s.address == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pipes[id]
	if p == nil {
		p = &storedPipe{}
		s.pipes[id] = p
	}
	p.wanted = wanted
	// It waits behind the others: a pipe that comes now must not take their place in the queue.
	err := errBehind
	if len(s.waiting) == 0 {
		err = s.reconcileLocked(id, pipe)
	}
	if err != nil {
		s.waiting[id] = true
		s.laterLocked(err)
	}
	s.warnOfLimitLocked()
}

var (
	errBehind = errors.New("others wait already")
	errNoPipe = errors.New("its stream has ended, or its owner")
	errNames  = errors.New("the names of all descriptors would be too long for the environment of the next start")
)

// reconcileLocked tells the manager what it should have of a stream. pipe is notOpen if it has
// to be opened. FDPOLL=0 is needed because the manager would otherwise drop the descriptor, and
// the bytes with it, when the last writer has gone.
func (s *Store) reconcileLocked(id string, pipe int) error {
	p := s.pipes[id]
	for p.held() && (!p.wanted || p.extra || len(p.names) > 1) {
		name := p.names[len(p.names)-1]
		if err := s.sendLocked("FDSTOREREMOVE=1\nFDNAME="+name, nil); err != nil {
			return err
		}
		p.names = p.names[:len(p.names)-1]
		p.extra = p.extra && p.held()
		s.names -= len(name) + 1
	}
	if p.wanted && !p.held() {
		if pipe == notOpen {
			var err error
			if pipe, err = s.openLocked(id); err != nil {
				return err
			}
			defer unix.Close(pipe)
		}
		if err := s.storeLocked(p, pipe); err != nil {
			return err
		}
	}
	if !p.wanted {
		delete(s.pipes, id)
	}
	return nil
}

// storeLocked has the manager keep a pipe.
func (s *Store) storeLocked(p *storedPipe, pipe int) error {
	var st unix.Stat_t
	if err := unix.Fstat(pipe, &st); err != nil {
		return err
	}
	name := s.prefix + strconv.FormatUint(st.Ino, 36)
	if s.names+len(name)+1 > mostNamesBytes {
		return errNames
	}
	if err := s.sendLocked("FDSTORE=1\nFDPOLL=0\nFDNAME="+name, unix.UnixRights(pipe)); err != nil {
		return err
	}
	p.names = append(p.names, name)
	s.names += len(name) + 1
	return nil
}

// openLocked opens a pipe for which the caller has no descriptor.
func (s *Store) openLocked(id string) (int, error) {
	if !s.owned {
		return -1, errNoPipe
	}
	pipe, err := s.owner.OpenReading(id)
	if errors.Is(err, fs.ErrNotExist) {
		return -1, errNoPipe
	}
	return pipe, err
}

func (s *Store) sendLocked(message string, rights []byte) (err error) {
	if s.socket < 0 {
		s.socket, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return err
		}
	}
	return unix.Sendmsg(s.socket, []byte(message), rights, &unix.SockaddrUnix{Name: s.address}, unix.MSG_NOSIGNAL)
}

func (s *Store) closeSocketLocked() {
	if s.socket >= 0 {
		_ = unix.Close(s.socket)
	}
	s.socket = -1
}

// Close ends the time of an owner, whose pipes are still open. The manager keeps what it has.
// Close sends what the manager should keep and could not be sent yet, if only the queue was
// full: for that it may block for as long as goodbye. What the manager should forget it hears
// later.
func (s *Store) Close() {
	if s.address == "" {
		return
	}
	for ends := time.Now().Add(goodbye); s.hasUnsent() && time.Now().Before(ends); {
		time.Sleep(retrySoon)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owned = false
	if len(s.waiting) == 0 {
		s.closeSocketLocked()
	}
}
