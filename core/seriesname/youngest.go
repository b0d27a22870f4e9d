package seriesname

import "container/heap"

// foreignNames is how many names more than the policy keeps are looked at in one listing,
// those that the retention counts and those that it does not for itself. A task can plant
// any number of them; a rotation disposes of so many, and what is beyond them waits for the next.
const foreignNames = 1024

// Most is how many files of a series are looked at under a policy that keeps rotate of them,
// of each form; 0 is without bound. There are no more unless a task has planted them.
func Most(rotate int) int {
	if rotate < 0 {
		return 0
	}
	return rotate + foreignNames
}

// Youngest are the youngest names of many, in no order. The zero value has none.
type Youngest struct{ heap youngest }

// Keep takes a name in, and lets the oldest go where there are more than most; 0 is no
// bound.
func (y *Youngest) Keep(name string, at Place, most int) {
	heap.Push(&y.heap, named{at, name})
	if most > 0 && y.heap.Len() > most {
		heap.Pop(&y.heap)
	}
}

// Each calls f for every name, until an error.
func (y *Youngest) Each(f func(name string) error) error {
	for _, n := range y.heap {
		if err := f(n.name); err != nil {
			return err
		}
	}
	return nil
}

type named struct {
	Place
	name string
}

// youngest is a heap with the oldest name at its top.
type youngest []named

func (h youngest) Len() int           { return len(h) }
func (h youngest) Less(i, j int) bool { return h[i].Before(h[j].Place) }
func (h youngest) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push is for container/heap.
func (h *youngest) Push(x any) { *h = append(*h, x.(named)) }

// Pop is for container/heap.
func (h *youngest) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
