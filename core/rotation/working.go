package rotation

import "sluice/core/seriesname"

// Working says whether a compression is under way or waits for a thread. One that failed does
// neither: it is tried again at the next rotation.
func (s *Set) Working() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.jobs {
		if j.inHand {
			return true
		}
	}
	return false
}

// Forgo leaves every file plain, for good, that is not compressed yet: nobody may open the
// series to go on with it.
func (s *Set) Forgo() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.jobs {
		if j.stage.is(published) && s.retireLocked(j) == nil {
			continue
		}
		s.abandonLocked(j, forgone)
		_ = s.dir.Unlink(seriesname.Output(s.cfg.Base, j.inode))
	}
}
