package times

// The files of a series are numbered in the order in which they were begun, without those that
// a task has removed while they were live. A page says how many there were before it, so that
// one of them is found without a look at the others.

// Newest is the number of the file that was written when the index was read.
func (x *Index) Newest() uint64 { return x.last.files }

// File gives the file of a number. ok is false where the index does not tell of it.
func (x *Index) File(number uint64) (f File, ok bool, err error) {
	if number == x.last.files {
		return File{x.last.begin, x.last.position, x.last.inode}, true, nil
	}
	c, ok, err := x.change(number)
	return File{c.before.begin, c.behind.begin, c.before.inode}, ok, err
}

// Turn gives the position of the first byte that was moved when the file of that number was not
// live any more: beyond its end, where the next file begins with bytes that it had first.
func (x *Index) Turn(number uint64) (position int64, ok bool, err error) {
	c, ok, err := x.change(number)
	return c.before.position, ok, err
}

// change gives the end of the file of that number.
func (x *Index) change(number uint64) (c change, ok bool, err error) {
	if number >= x.last.files {
		return change{}, false, nil
	}
	if c, ok := x.changeHere(number); ok {
		return c, true, nil
	}
	page, err := x.search(func(h header) bool { return h.files > number })
	if err == nil {
		err = x.page(page)
	}
	if err != nil {
		return change{}, false, err
	}
	c, ok = x.changeHere(number)
	return c, ok, nil
}

// changeHere looks in the page that was read last.
func (x *Index) changeHere(number uint64) (change, bool) {
	for _, c := range x.changes {
		if c.stays && c.before.files == number {
			return c, true
		}
	}
	return change{}, false
}

// Files gives the files of the series that the index knows, at most so many, from the live
// one back.
func (x *Index) Files(most int) (files []File, err error) {
	for number := x.last.files; len(files) < most; number-- {
		f, ok, err := x.File(number)
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		files = append(files, f)
		if number == 0 {
			break
		}
	}
	return files, nil
}
