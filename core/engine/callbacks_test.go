package engine

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/rotation"
	"sluice/core/rotation/script"
	"sluice/core/stream"
	sluicepb "sluice/proto"
)

// callbacks are the functions that a stream and its series call. Each gets a fault in
// front of it.
var callbacks = map[string]func(c *stream.Config, fault func()){
	"Save": func(c *stream.Config, fault func()) {
		c.Keeper = faultyKeeper{Keeper: c.Keeper, save: fault}
	},
	"Forget": func(c *stream.Config, fault func()) {
		c.Keeper = faultyKeeper{Keeper: c.Keeper, forget: fault}
	},
	"OpenSpill": func(c *stream.Config, fault func()) {
		c.Keeper = faultyKeeper{Keeper: c.Keeper, openSpill: fault}
	},
	"Admit": func(c *stream.Config, fault func()) {
		c.Parking = faultyParking{Parking: c.Parking, admit: fault}
	},
	"Now": func(c *stream.Config, fault func()) {
		then := c.Now
		c.Now = func() time.Time { fault(); return then() }
	},
	"Rotation.Submit": func(c *stream.Config, fault func()) {
		then := c.Rotation.Submit
		c.Rotation.Submit = func(t rotation.Task) { fault(); then(t) }
	},
	"Rotation.Settle": func(c *stream.Config, fault func()) {
		then := c.Rotation.Settle
		c.Rotation.Settle = func(task func()) { fault(); then(task) }
	},
	"Rotation.Settle's end": func(c *stream.Config, fault func()) {
		then := c.Rotation.Settle
		c.Rotation.Settle = func(task func()) { then(func() { fault(); task() }) }
	},
	"Rotation.Kept": func(c *stream.Config, fault func()) {
		then := c.Rotation.Kept
		c.Rotation.Kept = func(s *rotation.Set, now rotation.Kept, rotated bool) {
			fault()
			if then != nil {
				then(s, now, rotated)
			}
		}
	},
	"Rotation.RunScript": func(c *stream.Config, fault func()) {
		then := c.Rotation.RunScript
		c.Rotation.RunScript = func(command script.Command) error { fault(); return then(command) }
	},
	"Rotation.Now": func(c *stream.Config, fault func()) {
		then := c.Rotation.Now
		c.Rotation.Now = func() time.Time { fault(); return then() }
	},
}

// faultyKeeper has a fault in front of one method of a keeper.
type faultyKeeper struct {
	stream.Keeper
	save, forget, openSpill func()
}

func (k faultyKeeper) Save(r *sluicepb.StreamRecord) error {
	if k.save != nil {
		k.save()
	}
	return k.Keeper.Save(r)
}

func (k faultyKeeper) Forget() error {
	if k.forget != nil {
		k.forget()
	}
	return k.Keeper.Forget()
}

func (k faultyKeeper) OpenSpill(create bool) (*os.File, error) {
	if k.openSpill != nil {
		k.openSpill()
	}
	return k.Keeper.OpenSpill(create)
}

// faultyParking is the same of who admits ended streams to wait.
type faultyParking struct {
	stream.Parking
	admit func()
}

func (p faultyParking) Admit() bool {
	p.admit()
	return p.Parking.Admit()
}

// faultyBed is a testbed whose streams named stdout have a fault in one of their
// callbacks for as long as faults are left.
type faultyBed struct {
	*testbed
	faults atomic.Int64
	caught atomic.Int64
}

const (
	onceFaulty   = 1
	alwaysFaulty = 1 << 40
)

func newFaultyBed(t *testing.T, callback string) *faultyBed {
	t.Helper()
	b := &faultyBed{testbed: newTestbed(t, "max_stdout_size", "256KB", "pipe_capacity", "64KB", "allow_scripts", "true",
		"logrotate_stdout_options", "rotate 3\ncompress\npostrotate\ntrue\nendscript")}
	var mu sync.Mutex
	configured = func(c *stream.Config) {
		mu.Lock()
		defer mu.Unlock()
		if c.Name != stdoutName {
			return
		}
		callbacks[callback](c, func() {
			if b.faults.Add(-1) >= 0 {
				b.caught.Add(1)
				panic("injected into " + callback)
			}
		})
	}
	t.Cleanup(func() { configured = nil })
	return b
}

// writesOn has a container write 600 KB, nine times what its pipe holds and two rotations, which
// must not wait for ever, whatever becomes of its log.
func writesOn(t *testing.T, stdout *os.File) (written int64) {
	t.Helper()
	text := numbered(6_000, 100)
	done := make(chan error, 1)
	go func() {
		_, err := stdout.Write(text)
		done <- err
	}()
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(waitLimit):
		t.Fatal("the container waits to write its output")
	}
	return int64(len(text))
}

// TestAFaultInACallbackCostsOneStreamAtMost has each callback panic, once or always, while
// a container is prepared, writes, ends, and while it is found again by the next owner. The
// container can write on, every byte is accounted for, and nothing stays behind of it
// but, where its end has the fault again and again, the record for the next start.
func TestAFaultInACallbackCostsOneStreamAtMost(t *testing.T) {
	for name := range callbacks {
		for mode, faults := range map[string]int64{"once": onceFaulty, "always": alwaysFaulty} {
			t.Run(fmt.Sprintf("%s, %s", name, mode), func(t *testing.T) {
				b := newFaultyBed(t, name)
				before := countDescriptors(t)
				e := b.open()
				b.faults.Store(faults)
				if d, err := e.Prepare(Launch{ContainerID: "p", Sandbox: b.sandbox("p")}); err == nil {
					d.close()
				}
				b.faults.Store(0)
				eventually(t, "what was prepared under faults is gone", func() bool {
					return e.Metrics().Streams == 0 && len(b.stateNames()) == 0
				})

				past := e.Metrics().InBytes()
				stdout, stderr := b.prepare(e, "c")
				require.NoError(t, stderr.Close())
				release := func() {}
				if name == "Admit" { // it is asked for only where a compression is owed at the end
					release = occupy(e.reactor.Compressions, sandboxDevice(t, b.testbed), e.reactor.Self, manyCompressions)
				}
				defer release()
				b.faults.Store(faults)
				wrote := writesOn(t, stdout)
				require.NoError(t, stdout.Close())
				if name == "Admit" {
					eventually(t, "it is asked for", func() bool { return b.caught.Load() > 0 })
				}
				release()
				eventually(t, "the stream has ended", func() bool { return e.Metrics().Streams == 0 })
				b.faults.Store(0)
				m := e.Metrics()
				assert.Equal(t, wrote, m.InBytes()-past, "in = written + dropped")
				if mode == "once" {
					assert.Empty(t, b.stateNames())
					assert.Zero(t, m.DroppedBytes)
				}
				eventually(t, "no compression waits", func() bool { return e.Metrics().Compressions == 0 })
				e.Close()
				e = b.open() // the next owner finds what was left to it
				eventually(t, "what was left has ended", func() bool { return e.Metrics().Streams == 0 })
				e.Close()
				assert.Empty(t, b.stateNames())
				assert.Equal(t, before, countDescriptors(t), "descriptors")
				if name != "OpenSpill" && name != "Rotation.Now" { // these are rare
					assert.Positive(t, b.caught.Load())
				}
			})
		}
	}
}

// TestAFaultDuringAHandOver: the owner goes all the same.
func TestAFaultDuringAHandOver(t *testing.T) {
	for name := range callbacks {
		t.Run(name, func(t *testing.T) {
			b := newFaultyBed(t, name)
			before := countDescriptors(t)
			e := b.open()
			stdout, stderr := b.prepare(e, "c")
			require.NoError(t, stderr.Close())
			wrote := writesOn(t, stdout)
			b.faults.Store(alwaysFaulty)
			pipes := e.HandOver()
			b.faults.Store(0)
			e = b.open()
			closeAll(pipes)
			wrote += writesOn(t, stdout)
			require.NoError(t, stdout.Close())
			eventually(t, "the stream has ended", func() bool { return e.Metrics().Streams == 0 })
			assert.Equal(t, wrote, e.Metrics().InBytes(), "in = written + dropped")
			e.Close()
			assert.Empty(t, b.stateNames())
			assert.Equal(t, before, countDescriptors(t), "descriptors")
		})
	}
}
