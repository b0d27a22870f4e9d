package rotation

import (
	"container/heap"

	"sluice/core/sandbox"
)

// foreignNames is how many names more than the policy keeps are looked at in one listing,
// those that the retention counts and those that it does not for itself. A task can plant
// any number of them; a rotation disposes of so many, and what is beyond them waits for the next.
const foreignNames = 1024

// chosen are the names of a directory that a rotation works with: of dated ones the youngest,
// no more than the policy keeps and foreignNames.
type chosen struct {
	most    int // 0: all
	counted youngest
	others  youngest // directories, and files in a form that the retention does not count
}

func (s *Set) newChosen() *chosen {
	if s.cfg.Policy.Rotate < 0 || !s.scheme.dated {
		return &chosen{} // numbers are bounded by inRange
	}
	return &chosen{most: Most(s.cfg.Policy.Rotate)}
}

// add takes a name whose place in the series is at.
func (c *chosen) add(at place, name string, counted bool) {
	members := &c.others
	if counted {
		members = &c.counted
	}
	members.keep(member{place: at, name: name}, c.most)
}

// each calls f for every name.
func (c *chosen) each(f func(name string) error) error {
	for _, members := range []youngest{c.counted, c.others} {
		for _, m := range members {
			if err := f(m.name); err != nil {
				return err
			}
		}
	}
	return nil
}

// youngest is a heap with the oldest member at its top.
type youngest []member

func (h youngest) Len() int           { return len(h) }
func (h youngest) Less(i, j int) bool { return h[i].before(h[j].place) }
func (h youngest) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// keep takes a member in, and lets the oldest go where there are more than most; 0 is no
// bound.
func (h *youngest) keep(m member, most int) {
	heap.Push(h, m)
	if most > 0 && h.Len() > most {
		heap.Pop(h)
	}
}

// Push is for container/heap.
func (h *youngest) Push(x any) { *h = append(*h, x.(member)) }

// Pop is for container/heap.
func (h *youngest) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// chooseLocked goes through the directory of the series and gives the names to work with, and how
// many there are in all.
func (s *Set) chooseLocked() (c *chosen, names int, err error) {
	c = s.newChosen()
	names, err = s.dir.Walk(maxNames, func(name string, directory bool) error {
		at, ours := s.scheme.place(name)
		if ours && name != s.cfg.Base && s.reachable(at) {
			c.add(at, name, !directory && s.belongsLocked(name, at))
		}
		return nil
	})
	return c, names, err
}

// reachable leaves out numbers that rotations never look at.
func (s *Set) reachable(at place) bool {
	rotate := s.cfg.Policy.Rotate
	return s.scheme.dated || rotate < 0 || at.slot <= s.scheme.start+max(rotate, 1)
}

// Most is how many files of a series are looked at under a policy that keeps rotate of them,
// of each form; 0 is without bound. There are no more unless a task has planted them.
func Most(rotate int) int {
	if rotate < 0 {
		return 0
	}
	return rotate + foreignNames
}

// List gives the names in a directory that are of a dated series, of plain files, compressed
// ones and directories the youngest, so many of each as most says; 0 is all. At most limit
// names are read. The names are untrusted.
func (n Names) List(dir *sandbox.Dir, limit, most int) ([]string, error) {
	var plain, packed, others youngest
	_, err := dir.Walk(limit, func(name string, directory bool) error {
		at, ours := n.Place(name)
		if !ours {
			return nil
		}
		members := &plain
		switch {
		case directory:
			members = &others
		case at.Compressed():
			members = &packed
		}
		members.keep(member{place: at.at, name: name}, most)
		return nil
	})
	var names []string
	for _, members := range []youngest{plain, packed, others} {
		for _, m := range members {
			names = append(names, m.name)
		}
	}
	return names, err
}

// statIntoLocked adds what bears a name, if anything does.
func (s *Set) statIntoLocked(files map[string]sandbox.Info) func(name string) error {
	return func(name string) error { return s.probeOneLocked(files, name) }
}
