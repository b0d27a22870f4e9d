package rotation

import (
	"sluice/core/sandbox"
	"sluice/core/seriesname"
)

// chosen are the names in a directory that a rotation works with: of dated ones only the
// youngest, no more than seriesname.Most.
type chosen struct {
	most    int // 0: all
	counted seriesname.Youngest
	others  seriesname.Youngest // directories, and files in a form that the retention does not count
}

func (s *Set) newChosen() *chosen {
	if s.cfg.Policy.Rotate < 0 || !s.scheme.Dated() {
		return &chosen{} // numbers are bounded by inRange
	}
	return &chosen{most: seriesname.Most(s.cfg.Policy.Rotate)}
}

// add takes a name whose place in the series is at.
func (c *chosen) add(at seriesname.Place, name string, counted bool) {
	members := &c.others
	if counted {
		members = &c.counted
	}
	members.Keep(name, at, c.most)
}

// each calls f for every name.
func (c *chosen) each(f func(name string) error) error {
	if err := c.counted.Each(f); err != nil {
		return err
	}
	return c.others.Each(f)
}

// chooseLocked goes through the directory of the series. It gives the names to work with, and
// the number of all names.
func (s *Set) chooseLocked() (c *chosen, names int, err error) {
	c = s.newChosen()
	names, err = s.dir.Walk(maxNames, func(name string, directory bool) error {
		at, ours := s.scheme.Parse(name)
		if ours && name != s.cfg.Base && s.reachable(at) {
			c.add(at, name, !directory && s.belongsLocked(name, at))
		}
		return nil
	})
	return c, names, err
}

// reachable leaves out numbers that rotations never look at.
func (s *Set) reachable(at seriesname.Place) bool {
	rotate := s.cfg.Policy.Rotate
	return s.scheme.Dated() || rotate < 0 || at.Number <= s.scheme.Start()+max(rotate, 1)
}

// statIntoLocked adds what bears a name, if anything does.
func (s *Set) statIntoLocked(files map[string]sandbox.Info) func(name string) error {
	return func(name string) error { return s.probeOneLocked(files, name) }
}
