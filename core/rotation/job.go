package rotation

import (
	"errors"
	"io/fs"

	"sluice/core/guard"
	"sluice/core/seriesname"
	"sluice/core/shortage"
)

// job is a plain file of the series that has to be compressed. Its inode identifies it, since
// rotations rename the file while the work is under way.
type job struct {
	inode uint64
	stage jobStage // changed under Set.mu, read without it
	// Set.mu guards everything below.
	name string
	// inHand says that an attempt is submitted or under way. It is not a stage, since the file
	// may go meanwhile.
	inHand bool
	faults int // attempts that had one
}

// oweLocked remembers, here and in the directory, that a file has to be compressed.
func (s *Set) oweLocked(plain string, inode uint64) {
	s.markLocked(inode)
	s.jobs[plain] = &job{inode: inode, name: plain}
}

// submitAllLocked hands the background every job that it does not have: new ones, and those
// whose last attempt failed.
func (s *Set) submitAllLocked() {
	for _, j := range s.jobs {
		if !j.inHand {
			s.cfg.Submit(func(refused error) bool { return s.compressInBackground(j, refused) })
			j.inHand = true // no thread gets further than mu before
		}
	}
}

// maxFaults is how many attempts at one file may have a fault before it stays plain.
const maxFaults = 3

// compressInBackground makes one attempt, and asks for another if it had a fault or met a
// shortage. Otherwise the job is no longer in hand, however the attempt ended.
func (s *Set) compressInBackground(j *job, refused error) (again bool) {
	if refused == nil {
		err := s.cfg.Guard.Run("compress a rotated file", func() error { return s.attempt(j, s.cfg.Settle) })
		if s.another(j, err) {
			return true
		}
	}
	s.letGo(j)
	return false
}

// another complains of an attempt that failed, and tells whether to make another soon.
func (s *Set) another(j *job, err error) bool {
	var fault *guard.FaultError
	switch {
	case err == nil, errors.Is(err, errStopped):
		return false
	case errors.As(err, &fault), errors.Is(err, errUnconcluded):
		return s.mayFault(j)
	case shortage.Is(err):
		return true
	}
	s.complain(j, err)
	return false
}

// mayFault counts a fault, and tells whether there may be another.
func (s *Set) mayFault(j *job) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if j.faults++; j.faults == maxFaults {
		s.stats.FailedCompressions++
	}
	return j.faults < maxFaults
}

// letGo takes a job out of hand.
func (s *Set) letGo(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j.inHand = false
}

// attempt does the long part of the work on the calling thread, and has settle run what needs
// the lock: a thread of low priority, if interrupted while it holds the lock, would hold up the
// stream. A nil settle leaves that part to the calling thread as well.
func (s *Set) attempt(j *job, settle func(func())) error {
	c := s.begin(j)
	if c == nil {
		return nil
	}
	defer s.release(c)
	s.fill(c)
	if settle == nil {
		return s.conclude(c)
	}
	err := errUnconcluded
	settle(func() { err = s.conclude(c) })
	return err
}

// errUnconcluded says that the end of an attempt had a fault.
var errUnconcluded = errors.New("fault while a compression was concluded")

func (s *Set) complain(j *job, err error) {
	if held, ok := s.complaints.Allow(s.cfg.Now()); ok {
		s.cfg.Log.Warn("compression failed; the plain file stays and is tried again at the next rotation",
			"file", s.nameOf(j), "error", err, "held_back", held)
	}
}

// nameOf gives the present name of a job's file.
func (s *Set) nameOf(j *job) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return j.name
}

// compressInlineLocked compresses a file that scripts have to find compressed. A failure leaves
// the plain file, as in the background. It gives the lock up while it works.
func (s *Set) compressInlineLocked(plain string, out *Outcome) error {
	j := s.jobs[plain]
	if j != nil && j.inHand {
		return nil // in hand already
	}
	if j == nil {
		info, err := s.dir.Stat(plain)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		s.oweLocked(plain, info.Inode)
		j = s.jobs[plain]
	}
	j.inHand = true
	defer func() { j.inHand = false }()
	err := s.unlocked(func() error { return s.attempt(j, nil) })
	if shortage.Is(err) {
		return nil // the background tries again
	}
	if err != nil && !errors.Is(err, errStopped) {
		out.Problems = append(out.Problems, err)
		return nil
	}
	return err
}

// abandonLocked forgets a job that is forgone, or whose file somebody else has removed.
func (s *Set) abandonLocked(j *job, why stage) {
	if s.jobs[j.name] == j {
		delete(s.jobs, j.name)
	}
	if !j.stage.over() {
		j.stage.become(why)
	}
	_ = s.dir.Unlink(seriesname.Owed(s.cfg.Base, j.inode))
	s.vacatedLocked(j.name)
}
