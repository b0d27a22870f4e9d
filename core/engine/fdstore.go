package engine

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
	"sluice/core/shortage"
	"sluice/core/throttle"
)

// fdStore is the service manager's store of descriptors (systemd, FileDescriptorStoreMax=):
// a pipe lives, with its bytes, as long as somebody has it open, and the manager does
// while this process is dead. Where there is none, its methods do nothing.
//
// The manager keeps all that it is sent, also twice under one name, unless it is the same
// open file (kcmp(2)); it gives all of it to the next process of the unit, and keeps it
// still. So a pipe that was passed back is not stored again. It tells nobody what it
// took: what is not sent, because its queue is full for one, is sent later, without end.
//
// The manager passes all names in one variable of the environment, of which the kernel takes
// 128 KiB (execve(2), MAX_ARG_STRLEN): with more the process would not start any more. So
// names are short, the number of the pipe's inode, which is not given again as long as
// somebody has the pipe open, and what would be too much is not sent.
//
// There is one for each state directory and process, whoever of its engines has it: a
// keeper is an owner again and again, and what the manager has outlives each time.
type fdStore struct {
	address string // of the notification socket; empty: there is no store
	prefix  string // of the names of our descriptors

	mu      sync.Mutex
	socket  int // -1: none yet
	names   int // bytes of the names that the manager has
	pipes   map[string]*storedPipe
	waiting map[string]bool // ids of which the manager is to be told
	pause   time.Duration   // before the next try
	timer   *time.Timer     // nil: nothing waits
	owner   storeOwner      // the zero value between two of them
	warned  throttle.Reports
	since   time.Time // when something has begun to wait
}

// storeOwner is what a store needs of the engine that has it.
type storeOwner struct {
	guard *guard.Guard
	// open opens the reading end of a pipe; the store closes it.
	open func(id string) (int, error)
	// failed hears that descriptors are not kept, and how many; at most once a minute.
	failed func(waiting int, err error)
}

// storedPipe is what the manager is to have of a stream, and what it has.
type storedPipe struct {
	wanted bool
	names  []string // under which it is held
	extra  bool     // more than one has such a name
}

func (p *storedPipe) held() bool { return len(p.names) > 0 }

const (
	// The pauses of tries double between these; a queue that is full empties soon.
	storeRetrySoon    = 5 * time.Millisecond
	storeRetryQueue   = time.Second
	storeRetryFailing = time.Minute
	// storeBehind is how long descriptors may wait for a manager that is busy before
	// that is reported.
	storeBehind = 10 * time.Second
	// storeGoodbye is for how long an engine that ends waits for a queue that is full.
	storeGoodbye = time.Second
	// storeNamesBytes leaves some of the 128 KiB to the host.
	storeNamesBytes = 112 << 10
)

// stores are those of this process, by address and prefix.
var stores struct {
	sync.Mutex
	all map[string]*fdStore
}

// newFDStore reads $NOTIFY_SOCKET (sd_notify(3)). The store's names tell state
// directories apart by their inode.
func newFDStore(stateInode uint64, owner storeOwner) *fdStore {
	address, prefix := os.Getenv("NOTIFY_SOCKET"), fmt.Sprintf("%s%x-", storedPrefix, stateInode)
	if address == "" || address[0] != '/' && address[0] != '@' {
		return &fdStore{prefix: prefix}
	}
	stores.Lock()
	defer stores.Unlock()
	s := stores.all[address+prefix]
	if s == nil {
		s = &fdStore{
			address: address, prefix: prefix, socket: -1,
			pipes: map[string]*storedPipe{}, waiting: map[string]bool{}, pause: storeRetrySoon,
		}
		if stores.all == nil {
			stores.all = map[string]*fdStore{}
		}
		stores.all[address+prefix] = s
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owner = owner
	return s
}

// keep has the manager keep a duplicate of pipe, which it may have already. It never
// blocks.
func (s *fdStore) keep(id string, pipe int) { s.want(id, true, pipe) }

// forget has the manager close its duplicate.
func (s *fdStore) forget(id string) { s.want(id, false, notOpen) }

const notOpen = -1

func (s *fdStore) want(id string, wanted bool, pipe int) {
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
	// Behind what waits already, or a pipe that comes now would take its place in the queue.
	err := errBehind
	if len(s.waiting) == 0 {
		err = s.settleLocked(id, pipe)
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

// settleLocked tells the manager what it is to have of a stream. pipe is notOpen where it
// has to be opened. FDPOLL=0: else the manager would drop the descriptor when the last
// writer has gone, with the bytes.
func (s *fdStore) settleLocked(id string, pipe int) error {
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
func (s *fdStore) storeLocked(p *storedPipe, pipe int) error {
	var st unix.Stat_t
	if err := unix.Fstat(pipe, &st); err != nil {
		return err
	}
	name := s.prefix + strconv.FormatUint(st.Ino, 36)
	if s.names+len(name)+1 > storeNamesBytes {
		return errNames
	}
	if err := s.sendLocked("FDSTORE=1\nFDPOLL=0\nFDNAME="+name, unix.UnixRights(pipe)); err != nil {
		return err
	}
	p.names = append(p.names, name)
	s.names += len(name) + 1
	return nil
}

// openLocked opens a pipe that nobody has at hand.
func (s *fdStore) openLocked(id string) (int, error) {
	if s.owner.open == nil {
		return -1, errNoPipe
	}
	pipe, err := s.owner.open(id)
	if errors.Is(err, fs.ErrNotExist) {
		return -1, errNoPipe
	}
	return pipe, err
}

func (s *fdStore) sendLocked(message string, rights []byte) (err error) {
	if s.socket < 0 {
		s.socket, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return err
		}
	}
	return unix.Sendmsg(s.socket, []byte(message), rights, &unix.SockaddrUnix{Name: s.address}, unix.MSG_NOSIGNAL)
}

// laterLocked sees to another try, and reports what no try is likely to mend.
func (s *fdStore) laterLocked(err error) {
	if s.timer != nil || s.owner.guard == nil {
		return
	}
	now := time.Now()
	if s.since.IsZero() {
		s.since = now
	}
	longest := storeRetryFailing
	if shortage.Is(err) || errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.ETOOMANYREFS) {
		longest = storeRetryQueue
	}
	if longest == storeRetryFailing || now.Sub(s.since) > storeBehind {
		s.failLocked(err)
	}
	s.pause = min(s.pause, longest)
	s.timer = s.owner.guard.AfterFunc(s.pause, "tell the service manager of descriptors", s.tryAgain)
	s.pause = min(2*s.pause, longest)
}

func (s *fdStore) failLocked(err error) {
	if _, ok := s.warned.Allow(time.Now()); ok && s.owner.failed != nil {
		s.owner.failed(len(s.waiting), err)
	}
}

// warnOfLimitLocked says so where more is to be kept than the manager takes, as far as
// that tells (systemd 254): it drops the rest without a word.
func (s *fdStore) warnOfLimitLocked() {
	most, err := strconv.Atoi(os.Getenv("FDSTORE"))
	if err == nil && len(s.pipes) > most {
		s.failLocked(fmt.Errorf("the unit has FileDescriptorStoreMax=%d, expected at least %d", most, len(s.pipes)))
	}
}

// tryAgain tells what waits.
func (s *fdStore) tryAgain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer = nil
	if err := s.flushLocked(); err != nil {
		s.laterLocked(err)
	}
}

// flushLocked tells what waits until something fails.
func (s *fdStore) flushLocked() error {
	for id := range s.waiting {
		err := s.settleLocked(id, notOpen)
		if err != nil && !errors.Is(err, errNoPipe) {
			return err
		}
		if err != nil {
			delete(s.pipes, id)
		}
		delete(s.waiting, id)
		s.pause = storeRetrySoon
	}
	s.since = time.Time{}
	if s.owner.open == nil {
		s.closeSocketLocked()
	}
	return nil
}

func (s *fdStore) closeSocketLocked() {
	if s.socket >= 0 {
		_ = unix.Close(s.socket)
	}
	s.socket = -1
}

// close ends the time of an engine, whose pipes are open still. What the manager has it
// keeps. What it is to keep and could not be sent yet is sent within storeGoodbye, where
// its queue is only full; what it is to forget it is told later.
func (s *fdStore) close() {
	if s.address == "" {
		return
	}
	for ends := time.Now().Add(storeGoodbye); s.hasUnsent() && time.Now().Before(ends); {
		time.Sleep(storeRetrySoon)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owner.open = nil
	if len(s.waiting) == 0 {
		s.closeSocketLocked()
	}
}

// hasUnsent tells what waits, and says whether the queue was full before all pipes were
// sent.
func (s *fdStore) hasUnsent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !shortage.Is(s.flushLocked()) {
		return false
	}
	for id := range s.waiting {
		if s.pipes[id].wanted {
			return true
		}
	}
	return false
}
