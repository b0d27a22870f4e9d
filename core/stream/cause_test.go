package stream

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/worker"
	sluicepb "sluice/proto"
)

// A gap that an owner of a later version left may have a cause that this one does not know:
// it goes on, is counted and marked, and the container's output is written again.
func TestGapOfACauseThatIsNotKnown(t *testing.T) {
	for _, cause := range []sluicepb.Cause{Causes, 1 << 20, -1} {
		t.Run(fmt.Sprint(cause), func(t *testing.T) {
			s := newServed(t, "rotate 2")
			s.saved.Load().Accounting = &sluicepb.Accounting{
				LiveInode: 1 << 40, DroppedBytes: 7,
				Losses: []*sluicepb.Loss{{Cause: cause, Bytes: 7}},
				Gap:    &sluicepb.Gap{Cause: cause, Bytes: 7, SinceUnixNano: 1, WithinLine: true},
			}
			s.owner(func(thread *worker.Thread, of *Stream) {
				now := time.Now()
				s.visits(thread, of, of.Account(), "the end of the line\n", &now)
				assert.Equal(t, int64(7+len("the end of the line\n")), of.Account().Dropped[Unknown].Bytes)
				s.visits(thread, of, of.Account(), "written\n", &now)
			})
			log, err := os.ReadFile(s.live())
			require.NoError(t, err)
			assert.Contains(t, string(log), "lost 27 bytes in 1 lines")
			assert.Contains(t, string(log), "\nwritten\n")
		})
	}
}
