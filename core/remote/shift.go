package remote

// rule is what is known of a series beside its files.
type rule struct {
	// keeps is how many rotated files the policy keeps; negative where it removes none by
	// their number.
	keeps int
	// removes says that files may go whatever their number: by their age, or because nobody
	// knows the policy.
	removes bool
	dated   bool // the names stay with the files
}

// shift is what can have happened between two snapshots.
type shift struct {
	// rotations are the numbers of rotations that explain the later one, in ascending order,
	// no more than maxShifts of them.
	rotations []int
	// replaced says that there may also have been so many that no file of the earlier one is left.
	replaced bool
}

// certain says that there is one explanation only.
func (s shift) certain() bool { return len(s.rotations) == 1 && !s.replaced }

// none says that rotations explain nothing: somebody else has changed the files.
func (s shift) none() bool { return len(s.rotations) == 0 && !s.replaced }

const (
	// maxShifts are told from each other; more are as good as any.
	maxShifts = 8
	// maxComparisons of files are made for it.
	maxComparisons = 1 << 22
)

// shiftTo tells how many rotations lie between two snapshots, by what a rotation does and does
// not do: it gives each file the next place, the live one the first, removes from the
// oldest on, and begins a file; what it moves keeps its time and, but for the compressed,
// its length. Whatever is new was written no earlier than in the second of the first snapshot.
func (n *snapshot) shiftTo(later *snapshot, r rule) (s shift) {
	left := maxComparisons
	for k := 0; k <= len(later.rotated) && len(s.rotations) < maxShifts && left > 0; k++ {
		if n.explains(later, k, r, &left) {
			s.rotations = append(s.rotations, k)
		}
	}
	s.replaced = n.mayBeReplaced(later, r) || left <= 0
	return s
}

// mayRemove says that the oldest files may have gone between the snapshots. One less than
// the policy keeps is there within a rotation.
func (n *snapshot) mayRemove(later *snapshot, r rule) bool {
	return r.removes || r.keeps >= 0 && max(len(n.rotated), len(later.rotated)) >= r.keeps-1
}

func (n *snapshot) explains(later *snapshot, k int, r rule, left *int) bool {
	if k == 0 && (len(later.rotated) > len(n.rotated) || !grown(n.live, later.live)) {
		return false
	}
	if k > 0 && len(later.rotated) != len(n.rotated)+k && !n.mayRemove(later, r) {
		return false
	}
	if len(later.rotated) > len(n.rotated)+k || k > 0 && !n.isNew(later.live) {
		return false
	}
	for at := k - 1; at >= 0; at-- {
		f := later.rotated[at]
		first := at == k-1 && n.live != nil
		if first && f.seconds < n.live.seconds || !first && f.seconds < n.second {
			return false
		}
	}
	for at, f := range later.rotated[min(k, len(later.rotated)):] {
		if *left--; !f.canBe(n.rotated[at], r.dated) {
			return false
		}
	}
	return true
}

// isNew says that a live file can have begun after the snapshot.
func (n *snapshot) isNew(live *file) bool { return live == nil || live.seconds >= n.second }

// mayBeReplaced says that all files, the live one too, can have begun after the snapshot.
func (n *snapshot) mayBeReplaced(later *snapshot, r rule) bool {
	if !n.mayRemove(later, r) || !n.isNew(later.live) || r.keeps != 0 && len(later.rotated) == 0 {
		return false
	}
	for _, f := range later.rotated {
		if f.seconds < n.second {
			return false
		}
	}
	return true
}

// canBe says that a rotated file can be one that was seen earlier.
func (f rotated) canBe(earlier rotated, dated bool) bool {
	switch {
	case f.seconds != earlier.seconds, earlier.compressed && !f.compressed:
		return false
	case dated && !f.taken && !earlier.taken && f.plain != earlier.plain:
		return false
	}
	return f.compressed != earlier.compressed || f.size == earlier.size
}
