package series

import (
	"errors"
	"io/fs"
	"slices"
	"sluice/core/rotation"
	"sluice/core/sandbox"
)

// maxFree numbers in a row may be free before a climb goes on at the next one that the
// directory has: a rotation under way leaves one free.
const maxFree = 3

// climb looks at the numbered files from the youngest up. A rotation moves files up too,
// the oldest first. So those that were not met yet are always ahead, and none is missed; and
// of two files the older one can only gain on the climb, so they are never met nearer to
// each other than they are.
func (s *Series) climb(dir *sandbox.Dir) (map[string]sandbox.Info, error) {
	listed, err := s.numbers(dir)
	if err != nil {
		return nil, err
	}
	found := map[string]sandbox.Info{}
	if err := meet(dir, rotation.TakenName(s.live), found); err != nil {
		return nil, err
	}
	free := 0
	for number := s.names.Start(); ; number++ {
		met := len(found)
		// A plain file goes when its compressed form is there.
		plain := s.names.Slot(number)
		for _, name := range slices.Compact([]string{plain, s.names.Compressed(plain)}) {
			if err := meet(dir, name, found); err != nil {
				return nil, err
			}
		}
		if len(found) > met {
			free = 0
			continue
		}
		if free++; free < maxFree {
			continue
		}
		next, _ := slices.BinarySearch(listed, number+1)
		if next == len(listed) {
			return found, nil
		}
		number = listed[next] - 1
		free = 0
	}
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
func (s *Series) numbers(dir *sandbox.Dir) ([]int, error) {
	var numbers []int
	_, err := dir.List(maxNames, func(untrusted string) bool {
		if place, ours := s.names.Place(untrusted); ours {
			numbers = append(numbers, place.Number())
		}
		return false
	})
	slices.Sort(numbers)
	return slices.Compact(numbers), err
}
