package series

import "slices"

// number gives the links of a listing, which end with the youngest, their numbers in the index.
// The live file has the newest, or one that is to come; a rotated file that many before it as
// its place is behind the live one's. A plain file says by its inode whether that is so: what
// is compressed between two plain ones whose numbers are another distance apart than their places has
// none.
func (t *timeline) number(links []*link) {
	a := anchored{t: t, at: t.liveNumber(links)}
	for i := len(links) - 1; i >= 0; i-- {
		a.take(links[i], len(links))
	}
}

// liveNumber is that of the live file, known or to come.
func (t *timeline) liveNumber(links []*link) ordinal {
	if n := len(links); n > 0 && links[n-1].step == liveStep {
		if at := t.inodeAt(links[n-1], ordinal{}); at.known {
			return at
		}
	}
	return ordinal{t.index.Newest() + 1, true}
}

// liveStep is the step of the live file; that of a rotated file is as many more as there were
// rotations since.
const liveStep = 1

// anchored numbers links from the youngest back.
type anchored struct {
	t    *timeline
	at   ordinal // of the last plain file that was found, or of the live one
	step int     // of that; 0: of the live one
	// since are compressed files since then.
	since []*link
	// inodes are files of the index, by inode; nil until they are needed.
	inodes map[uint64]uint64
}

// take gives a link its number; there are so many in all.
func (a *anchored) take(l *link, all int) {
	expected := a.expected(l)
	if l.compressed {
		a.t.numbers[l] = expected
		a.since = append(a.since, l)
		return
	}
	at := expected
	if l.step != liveStep && (!at.known || !a.t.isFile(l, at.number)) {
		at = a.byInode(l, all)
	}
	a.t.numbers[l] = at
	if !at.known {
		return
	}
	if at != expected {
		for _, between := range a.since {
			a.t.numbers[between] = ordinal{}
		}
	}
	a.at, a.step, a.since = at, l.step, nil
}

// expected is the number that a link has by its step.
func (a *anchored) expected(l *link) ordinal {
	back := uint64(l.step - max(a.step, liveStep))
	return ordinal{a.at.number - back, l.step > 0 && back <= a.at.number}
}

// byInode looks for a plain file among all that the links can be.
func (a *anchored) byInode(l *link, all int) ordinal {
	if a.inodes == nil {
		a.inodes = map[uint64]uint64{}
		number := a.t.index.Newest()
		for range all + youngFiles {
			f, ok, err := a.t.index.File(number)
			if err != nil || !ok {
				break
			}
			if _, younger := a.inodes[f.Inode]; !younger {
				a.inodes[f.Inode] = number
			}
			if number == 0 {
				break
			}
			number--
		}
	}
	number, ok := a.inodes[l.inode]
	return ordinal{number, ok && a.t.isFile(l, number)}
}

// steps tells how far the files of a listing are from the live one.
func (s *Series) steps(files []File) []int {
	steps := make([]int, len(files))
	next, first := liveStep+1, 0 // of dated files, or of one without a place; of numbered ones
	for i, file := range slices.Backward(files) {
		switch {
		case file.Live:
			steps[i] = liveStep
		case file.Taken || s.names.Dated():
			steps[i] = next
			next++
		default:
			if first == 0 {
				first = liveStep + 1 - s.firstNumber(file)
			}
			steps[i] = file.Place.Number + first
		}
	}
	return steps
}
