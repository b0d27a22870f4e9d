package rotation

import (
	"fmt"
	"slices"
	"sync/atomic"
)

// stage is how far a job is. It changes as this table says:
//
//	owed       published, gone, forgone
//	published  gone, forgone; owed, where a rotation disposed of the compressed file
//
// Nothing comes after the other two.
type stage int32

const (
	// owed: the plain file has to be compressed.
	owed stage = iota
	// published: the compressed file is in place, and only the plain one is left to remove.
	published
	// gone: the plain file was removed, by the job itself, a rotation or somebody else; or the
	// series is another owner's by now.
	gone
	// forgone: the plain file stays as it is for good. Nobody else goes on with the series, so
	// an attempt has to remove its own output.
	forgone
	stages = iota
)

var stageNames = [stages]string{"owed", "published", "gone", "forgone"}

func (s stage) String() string { return stageNames[s] }

// afterStage are the stages that may come after each.
var afterStage = [stages][]stage{
	owed:      {published, gone, forgone},
	published: {owed, gone, forgone},
}

// jobStage is the stage of a job. The zero value is owed.
type jobStage struct{ now atomic.Int32 }

func (j *jobStage) is(s stage) bool { return stage(j.now.Load()) == s }

// over says that there is nothing left to do.
func (j *jobStage) over() bool { return j.is(gone) || j.is(forgone) }

// become changes the stage. One that the table does not have is a fault.
func (j *jobStage) become(next stage) {
	before := stage(j.now.Load())
	if before != next && !slices.Contains(afterStage[before], next) {
		panic(fmt.Sprintf("a compression that is %v cannot become %v", before, next))
	}
	j.now.Store(int32(next))
}
