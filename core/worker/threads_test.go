package worker

import (
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The threads of one file system are its share, one for an owner that has none of them, one
// for urgent work and one that waits, however much comes before the first has begun: what
// is started is kept.
func TestABurstStartsNoMoreThreadsThanItsShare(t *testing.T) {
	p := newPool(t)
	const tasks = 1000
	var done sync.WaitGroup
	done.Add(tasks)
	all := make([]Task, tasks)
	for i := range all {
		all[i] = Task{Owner: uint64(i%10 + 1), Urgent: i%100 == 0, Run: func(*Thread, error) { done.Done() }}
		p.Submit(&all[i])
	}
	done.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	assert.LessOrEqual(t, p.threads, min(PerDevice, runtime.NumCPU())+3)
}
