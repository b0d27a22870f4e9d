package series

import (
	"errors"
	"io/fs"
	"maps"
	"os"

	"sluice/core/sandbox"
	"sluice/core/seriesname"
)

// moment is the time from which on a series is looked at. It is over, for those who need
// it to last, with the next rotation.
type moment struct {
	s *Series
	// live is the live file of then, which pinned keeps the inode number of; the zero
	// value where there was none.
	live   sandbox.Info
	pinned *os.File
	// underWay is the rotation that goes on, if any.
	underWay uint64
}

// begin begins now. The caller ends the moment.
func (s *Series) begin() (*moment, error) {
	m := &moment{s: s}
	var err error
	m.pinned, m.live, err = s.dir.Pin(s.live)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if m.underWay, err = s.underWay(); err != nil {
		m.end()
		return nil, err
	}
	return m, nil
}

// attempt begins anew until do is done, as often as lookAttempts.
func (s *Series) attempt(do func(*moment) (done bool, err error)) error {
	for range lookAttempts {
		m, err := s.begin()
		if err != nil {
			return err
		}
		done, err := do(m)
		m.end()
		if err != nil || done {
			return err
		}
	}
	return nil
}

func (m *moment) end() {
	if m.pinned != nil {
		_ = m.pinned.Close()
	}
}

// present says that there was a live file.
func (m *moment) present() bool { return m.live.Links > 0 }

// goesOn says that the live file has its name still, or where there was none, that there
// is none and nothing else has changed since the rotated files were found.
func (m *moment) goesOn(found map[string]sandbox.Info) (bool, error) {
	if !m.present() {
		again, err := m.s.listRotated()
		if err != nil || !maps.EqualFunc(found, again, func(a, b sandbox.Info) bool { return a.Inode == b.Inode }) {
			return false, err
		}
	}
	return m.keepsLive()
}

// keepsLive says that what had the live name has it still, or that nothing has it still.
func (m *moment) keepsLive() (bool, error) {
	now, err := inodeOf(m.s.dir, m.s.live)
	return now == m.live.Inode, err
}

// lasts says that no rotation has gone on since the moment began.
func (m *moment) lasts() (bool, error) {
	underWay, err := m.s.underWay()
	if err != nil || underWay != 0 || m.underWay != 0 {
		return false, err
	}
	return m.keepsLive()
}

// underWay tells one rotation that has begun to shift the files, and has not given the live
// file its place yet, from another; it is 0 where there is none.
func (s *Series) underWay() (uint64, error) {
	dir, err := s.rotated()
	if err != nil || dir == nil {
		return 0, err
	}
	for _, name := range seriesname.UnderWay(s.live) {
		if inode, err := inodeOf(dir, name); err != nil || inode != 0 {
			return inode, err
		}
	}
	return 0, nil
}
