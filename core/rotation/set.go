package rotation

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"sluice/core/guard"
	"sluice/core/logrotate"
	"sluice/core/sandbox"
	"sluice/core/seriesname"
	"sluice/core/throttle"
)

// Set is the rotated series of one live file. Its methods may be called concurrently; Rotate,
// Recover and Expire run one after the other. All may block for as long as the file system does,
// and Rotate for as long as the scripts of its policy run.
type Set struct {
	cfg    Config
	scheme seriesname.Scheme
	owners owners
	// ownerForgone says that live files are no longer given away.
	ownerForgone atomic.Bool
	// ownersAsked is when nobody answered for an owner; zero if they are known.
	ownersAsked time.Time

	// turn is held by whoever changes the series as a whole, and taken before mu.
	turn sync.Mutex
	// mu guards the names of the series and everything below. Methods whose names end in Locked
	// need it held.
	mu      sync.Mutex
	dir     *directory      // nil once closed
	jobs    map[string]*job // by the present plain name of their file
	held    map[string]sandbox.Info
	listing listing
	stats   Stats
	kept    Kept
	// impostors counts those that were moved aside and that no Outcome has told of yet.
	impostors int
	// shelter is the name that the directory of the series has instead of its own, if any.
	shelter    string
	complaints throttle.Reports // of failed compressions: the task can make every one fail
	// unfinished says that the last rotation broke off, and must first be taken back.
	unfinished bool

	// stopped, if set, says after every change of a name whether the process is killed here.
	// Only tests set it.
	stopped func(done string) bool
}

// Stats count what happens in the background.
type Stats struct {
	// Compressed counts files, FailedCompressions the attempts that left the plain file.
	Compressed, FailedCompressions int64
	// Pending is how many files wait to be compressed or are being compressed.
	Pending int
}

// errStopped is the end of a process, for tests.
var errStopped = errors.New("stopped")

// New gives the series of a live file. It opens the directory for the rotated files, or makes it
// if the policy says so. It looks at no file of the series: after a restart call Recover. The
// caller closes the Set.
func New(cfg Config) (*Set, error) {
	if cfg.Guard == nil {
		cfg.Guard = guard.New(cfg.Log)
	}
	s := &Set{
		cfg: cfg, scheme: seriesname.New(cfg.Policy, cfg.Base),
		jobs: map[string]*job{}, held: map[string]sandbox.Info{},
	}
	if err := s.findOwners(); err != nil {
		return nil, err
	}
	dir, err := s.openSeries()
	if err != nil {
		return nil, err
	}
	s.dir = &directory{Dir: dir}
	told := false
	defer func() {
		if !told {
			_ = s.Close() // Kept had a fault
		}
	}()
	s.tellKeptLocked(false)
	told = true
	return s, nil
}

// unlocked gives up mu, which is held, while f runs: f may take long. However f ends, even by a
// fault, mu is held again afterwards. Nothing else gives up a lock that its caller holds.
func (s *Set) unlocked(f func() error) error {
	s.mu.Unlock()
	defer s.mu.Lock()
	return f()
}

// Close releases the directory of the rotated files. Submitted tasks that run later do nothing.
func (s *Set) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == nil {
		return nil
	}
	err := s.leave(s.dir)
	s.dir = nil
	for _, j := range s.jobs {
		j.stage.become(gone)
	}
	return err
}

// directory is that of the series, with the number of those who use it without the lock. Once
// it has been left, the last of them closes it.
type directory struct {
	*sandbox.Dir
	users int
	left  bool
}

// borrow, giveBack and leave need mu.
func (s *Set) borrowLocked() *directory {
	s.dir.users++
	return s.dir
}

func (s *Set) giveBack(d *directory) {
	if d.users--; d.left && d.users == 0 {
		_ = d.Close()
	}
}

func (s *Set) leave(d *directory) error {
	if d.left = true; d.users == 0 {
		return d.Close()
	}
	return nil
}

// Stats gives the counters so far.
func (s *Set) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	stats.Pending = len(s.jobs)
	return stats
}

// Live says how to make the first live file.
func (s *Set) Live() LiveFile { return s.liveAfter(nil) }

// liveAfter says how to make the live file that follows old, which may be nil; otherwise mu is
// held.
func (s *Set) liveAfter(old *sandbox.Info) LiveFile {
	policy := s.cfg.Policy
	live := LiveFile{Mode: defaultLiveMode, UID: -1, GID: -1}
	if old != nil {
		s.askOwnersAgainLocked()
	}
	if old != nil && (policy.Create.On || policy.CopyTruncate) {
		live = LiveFile{Mode: old.Mode.Perm(), UID: old.UID, GID: old.GID}
	}

	if policy.Create.On && !policy.CopyTruncate {
		live = s.owners.create.over(live, policy.Create)
	}
	if s.ownerForgone.Load() {
		live.UID, live.GID = -1, -1
	}
	return live
}

// ForgoOwner takes the owner out of what Rotate says of future live files: the task's user may
// not give them away, and one report of that is enough. MakeLive may call it.
func (s *Set) ForgoOwner() { s.ownerForgone.Store(true) }

// defaultLiveMode is what open(2) in the replaced program gives with the usual umask.
const defaultLiveMode os.FileMode = 0o644

// Due says whether time alone asks for a rotation at now: hourly, daily, weekly, monthly or
// yearly is in force, and now is in another such period, by the clock of now's location, than
// the last rotation (or the making of the live file). If the last rotation is more than a day in
// the future, the clock was wrong then, and a rotation is due now, as in logrotate: the next
// would be far away.
func (s *Set) Due(now, last time.Time) bool {
	return due(s.cfg.Policy.Every, s.cfg.Policy.Weekday, now, last.In(now.Location()))
}

func due(every logrotate.Period, weekday int, now, last time.Time) bool {
	sameYear := now.Year() == last.Year()
	sameMonth := sameYear && now.Month() == last.Month()
	sameDay := sameYear && now.YearDay() == last.YearDay()
	if now.Before(last) {
		return every != 0 && last.Sub(now) > futureTolerated
	}
	switch every {
	case logrotate.Hourly:
		return !sameDay || now.Hour() != last.Hour()
	case logrotate.Daily:
		return !sameDay
	case logrotate.Weekly:
		days := civilDays(now) - civilDays(last)
		return days >= 7 || days >= 1 && int(now.Weekday()) == weekday
	case logrotate.Monthly:
		return !sameMonth
	case logrotate.Yearly:
		return !sameYear
	}
	return false
}

// futureTolerated leaves room for changes of the time zone.
const futureTolerated = 25 * time.Hour

// civilDays counts days of the calendar, whatever their length.
func civilDays(t time.Time) int64 {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 3600)
}

// killed tells whether a test stops the process here.
func (s *Set) killed(format string, args ...any) error {
	if s.stopped != nil && s.stopped(fmt.Sprintf(format, args...)) {
		return errStopped
	}
	return nil
}
