package engine

import "runtime/debug"

const (
	// perStreamBytes of heap is what a stream needs, generously.
	perStreamBytes = 32 << 10
	// streamsPerStep: the limit follows the number of streams in steps, because
	// setting it stops the Go runtime for a moment.
	streamsPerStep = 512
)

// limitMemory sets the soft ceiling of the Go heap to what the settings allow beyond
// what the streams need. mu is held.
func (e *Engine) limitMemory() {
	step := len(e.serving)/streamsPerStep + 1
	if step == e.memoryStep {
		return
	}
	e.memoryStep = step
	debug.SetMemoryLimit(e.settings.MemoryLimitBytes + int64(step*streamsPerStep*perStreamBytes))
}
