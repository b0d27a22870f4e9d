//go:build sluice_faults

package engine

import "math/rand/v2"

// faultShare of the visits fail, one of this many.
const faultShare = 100

// With the tag sluice_faults, each stream has a fault in one of its visits, for soaks:
// once, because a second within a minute drops the container's output.
func init() {
	injected = func(e *entry) {
		if e.faulted.IsZero() && rand.IntN(faultShare) == 0 {
			panic("injected by the build tag sluice_faults")
		}
	}
}
