//go:build sluice_faults

package engine

import (
	"math/rand/v2"
	"sync"
)

// faultShare of the services fail, one of this many.
const faultShare = 100

// With the tag sluice_faults, each stream has a fault in one of its services, for soaks:
// once, because a second within a minute drops the container's output.
func init() {
	var had sync.Map // entries, for as long as the process lives
	inject := func(e *entry) {
		if rand.IntN(faultShare) != 0 {
			return
		}
		if _, again := had.LoadOrStore(e.id, true); !again {
			panic("injected by the build tag sluice_faults")
		}
	}
	injected = &inject
}
