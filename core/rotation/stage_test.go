package rotation

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Every pair of stages is tried: those of the table are entered, all others are faults.
func TestStagesChangeByTheTable(t *testing.T) {
	table := map[stage]string{
		owed:      "owed published gone forgone",
		published: "published owed gone forgone",
		gone:      "gone",
		forgone:   "forgone",
	}
	for from := range stage(stages) {
		entered := from.String()
		for to := range stage(stages) {
			var j jobStage
			j.now.Store(int32(from))
			allowed := from == to
			for _, next := range afterStage[from] {
				allowed = allowed || next == to
			}
			if !allowed {
				assert.PanicsWithValue(t, fmt.Sprintf("a compression that is %v cannot become %v", from, to), func() { j.become(to) })
				assert.True(t, j.is(from))
				continue
			}
			j.become(to)
			assert.True(t, j.is(to))
			assert.Equal(t, to == gone || to == forgone, j.over())
			if from != to {
				entered += " " + to.String()
			}
		}
		assert.Equal(t, table[from], entered)
	}
}
