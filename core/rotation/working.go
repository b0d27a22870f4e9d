package rotation

// Working says whether a compression is under way or waits for a thread. One that
// failed is not: it is tried again at the next rotation.
func (s *Set) Working() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.jobs {
		if j.queued {
			return true
		}
	}
	return false
}
