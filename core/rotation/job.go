package rotation

import (
	"errors"
	"io/fs"
	"sync/atomic"
	"time"
)

// job is a plain file of the series that is to be compressed. It is known by its
// inode: rotations rename the file while the work is under way.
type job struct {
	inode  uint64
	name   string // under Set.mu
	queued bool   // under Set.mu: submitted or under way
	// complete says that the compressed file is in its place, and only the plain one
	// is left to remove. Under Set.mu.
	complete bool
	forgone  bool // under Set.mu: its output is nobody else's
	gone     atomic.Bool
}

// owe remembers that a file is to be compressed, here and in the directory. mu is
// held.
func (s *Set) owe(plain string, inode uint64) {
	s.mark(inode)
	s.jobs[plain] = &job{inode: inode, name: plain}
}

// submitAll hands every job to the background that is not there yet: new ones, and
// those whose last attempt failed. mu is held.
func (s *Set) submitAll() {
	for _, j := range s.jobs {
		if !j.queued {
			j.queued = true
			s.cfg.Submit(func() { s.compressInBackground(j) })
		}
	}
}

// compressInBackground does the work that takes long where it is, and hands on what
// needs the lock: a thread of low priority that is interrupted while it holds the
// lock would hold up the stream.
func (s *Set) compressInBackground(j *job) {
	c := s.begin(j)
	if c == nil {
		return
	}
	s.fill(c)
	conclude := func() {
		if err := s.conclude(c); err != nil && !errors.Is(err, errStopped) {
			s.complain(c.name, err)
		}
	}
	if s.cfg.Settle != nil {
		s.cfg.Settle(conclude)
		return
	}
	conclude()
}

// complainEvery is how often a failed compression is told: the task can make every one
// fail.
const complainEvery = time.Minute

func (s *Set) complain(file string, err error) {
	s.mu.Lock()
	now := s.cfg.Now()
	tell := s.complained.IsZero() || now.Sub(s.complained) >= complainEvery
	if tell {
		s.complained = now
	}
	s.mu.Unlock()
	if !tell {
		return
	}
	s.cfg.Log.Warn("compression failed; the plain file stays and is tried again at the next rotation",
		"file", file, "error", err)
}

// compressInline compresses a file that is to be found compressed. A failure leaves
// the plain file, as in the background. mu is held, but not while it works.
func (s *Set) compressInline(plain string, out *Outcome) error {
	j := s.jobs[plain]
	if j != nil && j.queued {
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
		s.owe(plain, info.Inode)
		j = s.jobs[plain]
	}
	j.queued = true
	s.mu.Unlock()
	var err error
	if c := s.begin(j); c != nil {
		s.fill(c)
		err = s.conclude(c)
	}
	s.mu.Lock()
	if err != nil && !errors.Is(err, errStopped) {
		out.Problems = append(out.Problems, err)
		return nil
	}
	return err
}

// abandon forgets a job whose file somebody else has removed. mu is held.
func (s *Set) abandon(j *job) {
	if s.jobs[j.name] == j {
		delete(s.jobs, j.name)
	}
	j.gone.Store(true)
	_ = s.dir.Unlink(markName(s.cfg.Base, j.inode))
	s.vacated(j.name)
}
