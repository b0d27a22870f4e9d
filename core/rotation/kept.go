package rotation

import "sluice/core/sandbox"

// Kept is what the rotated files take: counted at each look at the series, and adjusted for our
// own changes in between.
type Kept struct {
	Bytes int64
	Files int
}

// counted is what a file of the series counts: what it takes of the disk, but no more than the
// limit. The task can make one longer, at no cost with holes; that is not the series' doing.
func (s *Set) counted(info sandbox.Info) int64 { return s.within(takes(info)) }

// within is how many of the bytes of one file count.
func (s *Set) within(bytes int64) int64 {
	if s.cfg.LimitBytes > 0 {
		return min(bytes, s.cfg.LimitBytes)
	}
	return bytes
}

// takes is what a file takes of the disk: its blocks, without those that the file system has
// allotted beyond its end.
func takes(info sandbox.Info) int64 { return min(info.Size, info.Disk) }

// most is what all rotated files can count: a task may plant any number of them, but the policy
// keeps no more than this. 0 means no bound.
func (s *Set) most() int64 { return int64(max(0, s.cfg.Policy.Rotate)) * s.cfg.LimitBytes }

// countLocked counts what was found.
func (s *Set) countLocked(found map[string]sandbox.Info) {
	s.kept = Kept{}
	if s.keepsNone() {
		return
	}
	for name, info := range found {
		if at, ok := s.scheme.Parse(name); ok && info.Mode.IsRegular() && s.belongsLocked(name, at) {
			s.kept.Bytes += s.counted(info)
			s.kept.Files++
		}
	}
}

// keepsNone says that the policy keeps no rotated file: then a file with such a name is the
// task's.
func (s *Set) keepsNone() bool { return s.cfg.Policy.Rotate == 0 }

// countRotatedLocked adds what a rotation did to the series.
func (s *Set) countRotatedLocked(live sandbox.Info, out Outcome) {
	if !out.Rotated {
		return
	}
	// If the live file was removed, it is one of those removed.
	s.addKeptLocked(s.counted(live)-out.RemovedBytes, 1-out.Removed)
	s.tellKeptLocked(true)
}

// changeKeptLocked tells of a change.
func (s *Set) changeKeptLocked(bytes int64, files int) {
	s.addKeptLocked(bytes, files)
	s.tellKeptLocked(false)
}

func (s *Set) addKeptLocked(bytes int64, files int) {
	s.kept.Bytes = max(0, s.kept.Bytes+bytes)
	s.kept.Files = max(0, s.kept.Files+files)
}

// tellKeptLocked tells what is kept; rotated says that the live file has become part of it.
func (s *Set) tellKeptLocked(rotated bool) {
	if s.cfg.Kept == nil {
		return
	}
	now := s.kept
	if most := s.most(); most > 0 {
		now.Bytes = min(now.Bytes, most)
	}
	s.cfg.Kept(s, now, rotated)
}
