package series

import (
	"errors"
	"io/fs"
	"slices"

	"sluice/core/sandbox"
	"sluice/core/seriesname"
)

// maxFree numbers in a row may be free before it is asked which one comes next: a rotation
// under way leaves one free.
const maxFree = 3

// climb visits the places of the numbered files from the youngest up, each by its plain
// name, for as long as visit asks for another. A rotation moves files up too, the oldest first.
// So those that were not met yet are always ahead, and none is missed; and of two files the
// older one can only gain on the climb, so they are never met nearer to each other than
// they are. Behind a wide gap it goes on at the next number that the directory has.
func (s *Series) climb(visit func(plain string) (again, found bool, err error)) error {
	var listed []int
	free, known := 0, false
	for number := s.names.Start(); ; number++ {
		again, found, err := visit(s.names.Slot(number))
		if err != nil || !again {
			return err
		}
		if found {
			free = 0
			continue
		}
		if free++; free < maxFree {
			continue
		}
		if !known {
			if listed, err = s.numbers(); err != nil {
				return err
			}
			known = true
		}
		next, _ := slices.BinarySearch(listed, number+1)
		if next == len(listed) {
			return nil
		}
		number, free = listed[next]-1, 0
	}
}

// lookUp looks at the numbered files, and at the live file of a rotation.
func (s *Series) lookUp(dir *sandbox.Dir) (map[string]sandbox.Info, error) {
	found := map[string]sandbox.Info{}
	if err := meet(dir, seriesname.Taken(s.live), found); err != nil {
		return nil, err
	}
	most := s.most()
	err := s.climb(func(plain string) (bool, bool, error) {
		met := len(found)
		// A plain file goes when its compressed form is there.
		err := meet(dir, plain, found)
		if packed := s.names.Compressed(plain); err == nil && packed != plain {
			err = meet(dir, packed, found)
		}
		return most == 0 || met < most, len(found) > met, err
	})
	return found, err
}

// meet adds what has a name, if anything has.
func meet(dir *sandbox.Dir, name string, found map[string]sandbox.Info) error {
	info, err := dir.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	found[name] = info
	return err
}

// numbers gives those that the directory has now, in ascending order, perhaps without some that
// a rotation moves meanwhile.
func (s *Series) numbers() ([]int, error) {
	dir, err := s.rotated()
	if err != nil || dir == nil {
		return nil, err
	}
	var numbers []int
	_, err = dir.List(maxNames, func(untrusted string) bool {
		if place, ours := s.names.Place(untrusted); ours {
			numbers = append(numbers, place.Number)
		}
		return false
	})
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	if most := s.most(); most > 0 && len(numbers) > most {
		numbers = numbers[:most]
	}
	return numbers, err
}
