package worker

import (
	"log/slog"
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
	p.looking = true // so that nobody does, and nothing is lent on a machine that lets one wait
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

// Threads that are at one task for long are replaced for those who have none, up to a bound,
// and nobody is looked for where nobody waits.
func TestThreadsAreLentForThoseThatAreHeldForLong(t *testing.T) {
	p := newPool(t)
	release := make(chan struct{})
	var held sync.WaitGroup
	most := p.share + 1 + Lent
	hold := func(owner uint64, urgent bool, began chan<- struct{}) {
		held.Add(1)
		p.Submit(&Task{Device: 1, Owner: owner, Urgent: urgent, Run: func(*Thread, error) {
			defer held.Done()
			began <- struct{}{}
			<-release
		}})
	}
	began := make(chan struct{}, 3*most)
	for owner := range uint64(most) {
		for range 2 { // one owner's second waits for the first
			hold(owner+1, false, began)
		}
	}
	for range most {
		<-began
	}
	urgent := make(chan struct{}, 1)
	hold(uint64(most)+1, true, urgent)
	<-urgent
	p.mu.Lock()
	assert.Equal(t, most+1, p.devices[1].running)
	p.mu.Unlock()
	// Another file system has its own.
	other := make(chan struct{})
	p.Submit(&Task{Device: 2, Owner: 1, Run: func(*Thread, error) { close(other) }})
	<-other

	close(release)
	held.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.busy > 0 || p.looking {
		p.mu.Unlock()
		runtime.Gosched()
		p.mu.Lock()
	}
	assert.Zero(t, p.devices[1].long)
}

// Whoever takes a task leaves the next for himself, for a moment; where the task hangs, others
// come for it although nothing else wakes them.
func TestWhatIsLeftBehindAHungTaskIsTaken(t *testing.T) {
	p := NewPool(slog.New(slog.DiscardHandler), newTokens())
	p.Start()
	release := make(chan struct{})
	hung, other := make(chan struct{}), make(chan struct{})
	// Both are queued by a thread that comes for them itself, and wakes nobody.
	p.Submit(&Task{Device: 1, Run: func(*Thread, error) {
		p.Queue(&Task{Device: 1, Run: func(*Thread, error) { close(hung); <-release }})
		p.Queue(&Task{Device: 1, Run: func(*Thread, error) { close(other) }})
	}})
	<-hung
	<-other
	close(release)
	p.Close()
	p.Wait()
}
