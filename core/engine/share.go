package engine

import "container/heap"

// use is what one container takes, as far as the choice of what is deleted needs it.
type use struct {
	// takenBytes are those of its live and rotated files, keptBytes and files those of
	// the rotated ones alone.
	takenBytes, keptBytes int64
	files                 int
	// ended says that no process of it writes any more.
	ended bool
}

// rank orders containers by who gives first: no container gives its last rotated
// file while another has more, and one that has ended gives it before one that runs.
func (u use) rank() int {
	switch {
	case u.files > 1:
		return 0
	case u.files == 1 && u.ended:
		return 1
	case u.files == 1:
		return 2
	}
	return 3
}

// shed tells how many of its oldest rotated files each container gives so that
// needBytes are freed, or as much as there is. Every container has the same share, so
// the one that is most above it is the one that takes most; from it one file is taken
// at a time. It is pure. freed is what that is by the containers' average files.
func shed(needBytes int64, uses []use) (files []int, freedBytes []int64) {
	files, freedBytes = make([]int, len(uses)), make([]int64, len(uses))
	h := givers{}
	for i, u := range uses {
		if u.files > 0 {
			h = append(h, giver{u, i})
		}
	}
	heap.Init(&h)
	for needBytes > 0 && len(h) > 0 {
		g := &h[0]
		average := g.keptBytes / int64(g.files)
		g.takenBytes -= average
		g.keptBytes -= average
		g.files--
		needBytes -= average
		files[g.at]++
		freedBytes[g.at] += average
		if g.files == 0 {
			heap.Pop(&h)
		} else {
			heap.Fix(&h, 0)
		}
	}
	return files, freedBytes
}

// giver is a container that has files to give.
type giver struct {
	use
	at int // in the uses
}

// givers has the one that gives next at its head.
type givers []giver

func (h givers) Len() int { return len(h) }

func (h givers) Less(i, j int) bool {
	if a, b := h[i].rank(), h[j].rank(); a != b {
		return a < b
	}
	if h[i].takenBytes != h[j].takenBytes {
		return h[i].takenBytes > h[j].takenBytes
	}
	return h[i].at < h[j].at
}

func (h givers) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push is for container/heap.
func (h *givers) Push(x any) { *h = append(*h, x.(giver)) }

// Pop is for container/heap.
func (h *givers) Pop() any {
	old := *h
	g := old[len(old)-1]
	*h = old[:len(old)-1]
	return g
}
