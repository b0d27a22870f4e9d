package engine

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/budget"
	"sluice/core/settings"
	"sluice/core/worker"
)

// asks has a task ask for options and a limit of its own.
func asks(options, limit string) []settings.Variable {
	return []settings.Variable{
		{Name: "CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS", Value: options},
		{Name: "CONTAINER_LOGGER_MAX_STDOUT_SIZE", Value: limit},
	}
}

// rotated are the rotated files of a container's stdout.
func (b *testbed) rotated(id string) []string {
	b.t.Helper()
	paths, err := filepath.Glob(filepath.Join(b.sandbox(id), "stdout.[0-9]*"))
	require.NoError(b.t, err)
	return paths
}

// plant makes files that are so long, with as much data.
func plant(t *testing.T, path string, size, data int64) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("x"), int(data)), 0o644))
	require.NoError(t, os.Truncate(path, size))
}

// What one container makes of its own sandbox deletes nobody else's history: three others
// have a fiftieth of the budget each.
func TestFilesOfATaskCostItsNeighboursNothing(t *testing.T) {
	const most, files = 5 << 20, 5
	for _, c := range []struct {
		name, options, limit string
		attack               func(t *testing.T, box string)
	}{
		{"long dated names without end", "rotate -1\ndateext\nmaxsize 16k", "16KB", func(t *testing.T, box string) {
			for i := range 10000 {
				plant(t, fmt.Sprintf("%s/stdout-20200101.%d", box, i+1), 16<<10, 0)
			}
		}},
		{"long dated names beyond the policy", "rotate 5\ndateext\nmaxsize 16k\nmaxage 3650", "16KB", func(t *testing.T, box string) {
			for i := range 10000 {
				plant(t, fmt.Sprintf("%s/stdout-20200101.%d", box, i+1), 16<<10, 0)
			}
		}},
		{"data in dated names beyond the policy", "rotate 5\ndateext\nmaxsize 16k\nmaxage 3650", "16KB", func(t *testing.T, box string) {
			for i := range 1000 {
				plant(t, fmt.Sprintf("%s/stdout-20200101.%d", box, i+1), 8<<10, 8<<10)
			}
		}},
		{"long files that cannot be deleted", "rotate 5\ndateext\nmaxage 3650", "640KB", func(t *testing.T, box string) {
			for i := range 300 {
				plant(t, fmt.Sprintf("%s/stdout-20200101.%d", box, i+1), 640<<10, 0)
			}
			require.NoError(t, os.Chmod(box, 0o555))
		}},
		{"data that cannot be deleted", "rotate 9\nmaxage 3650", "480KB", func(t *testing.T, box string) {
			for i := range 9 {
				plant(t, fmt.Sprintf("%s/stdout.%d", box, i+1), 480<<10, 480<<10)
			}
			require.NoError(t, os.Chmod(box, 0o555))
		}},
		{"long live files", "rotate 1", "2MB", func(t *testing.T, box string) {
			require.NoError(t, os.Truncate(box+"/stdout", 2<<20))
		}},
		{"data in live files", "rotate 1", "2MB", func(t *testing.T, box string) {
			plant(t, box+"/stdout", 2<<20, 2<<20)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newTestbed(t, "times", "false", "node_max_bytes", fmt.Sprintf("%dB", most), "max_stdout_size", "16KB", "max_stderr_size", "16KB",
				"logrotate_stdout_options", "rotate 5", "task_max_files", "none")
			e := b.open()
			defer e.Close()
			output := numbered(900, 100)
			victims := map[string]*os.File{}
			for i := range 3 {
				id := fmt.Sprintf("victim-%d", i)
				stdout, stderr := b.prepare(e, id)
				defer stderr.Close()
				_, err := stdout.Write(output)
				require.NoError(t, err)
				victims[id] = stdout
			}
			eventually(t, "all is written", func() bool { return e.Metrics().WrittenBytes == int64(3*len(output)) })
			var attackers []*os.File
			for i := range 3 {
				id := fmt.Sprintf("attacker-%d", i)
				stdout, stderr := b.prepare(e, id, asks(c.options, c.limit)...)
				defer stderr.Close()
				_, err := stdout.WriteString("begins\n")
				require.NoError(t, err)
				attackers = append(attackers, stdout)
				eventually(t, "all rests", func() bool { return resting(e) })
				box := b.sandbox(id)
				t.Cleanup(func() { _ = os.Chmod(box, 0o755) })
				c.attack(t, box)
			}

			// The minute strikes, and everybody writes for longer than a deletion may take.
			e.reactor.Tend()
			for began := time.Now(); time.Since(began) < budget.EvictionTimeout+time.Second; time.Sleep(10 * time.Millisecond) {
				for _, f := range attackers {
					_, err := f.WriteString("attack\n")
					require.NoError(t, err)
				}
				for _, f := range victims {
					_, err := f.WriteString(".\n")
					require.NoError(t, err)
				}
			}
			for id, f := range victims {
				assert.Len(t, b.rotated(id), files, id)
				assert.Zero(t, b.entryOf(e, id, "stdout").account.Evicted(), id)
				f.Close()
			}
			for _, f := range attackers {
				f.Close()
			}
		})
	}
}

// The container that has most ends after it was asked and before it gives: it gives what it
// has left, and the others nothing.
func TestWhoEndsWhileItGivesIsNotPaidForByOthers(t *testing.T) {
	b := budgetBed(t, "1MB")
	e := b.open()
	defer e.Close()
	output := numbered(600, 100)
	var others []*os.File
	for i := range 3 {
		stdout, stderr := b.prepare(e, fmt.Sprintf("other-%d", i))
		defer stderr.Close()
		_, err := stdout.Write(output)
		require.NoError(t, err)
		others = append(others, stdout)
	}
	var mu sync.Mutex
	var asked []*worker.Task
	submit, holding := e.reactor.Workers.Submit, true
	instead := func(task *worker.Task) {
		mu.Lock()
		defer mu.Unlock()
		if holding {
			asked = append(asked, task)
			return
		}
		submit(task)
	}
	e.hooks.submit.Store(&instead)
	stdout, stderr := b.prepare(e, "most")
	_, err := stdout.Write(numbered(9500, 100))
	require.NoError(t, err)
	eventually(t, "it is asked to give", func() bool { mu.Lock(); defer mu.Unlock(); return len(asked) > 0 })
	stdout.Close()
	stderr.Close()
	eventually(t, "it ends", func() bool { return e.Metrics().Streams == 6 })
	mu.Lock()
	holding = false
	mu.Unlock()
	for _, task := range asked {
		submit(task)
	}
	eventually(t, "the budget holds", func() bool {
		for _, f := range others {
			_, err := f.WriteString(".\n")
			require.NoError(t, err)
		}
		return e.budget.TakenBytes() <= 1<<20 && e.budget.ReservedBytes() == 0
	})
	for i, f := range others {
		id := fmt.Sprintf("other-%d", i)
		assert.Len(t, b.rotated(id), 3, id)
		assert.Zero(t, b.entryOf(e, id, "stdout").account.Evicted(), id)
		f.Close()
	}
}

// hostile is a container that does to its sandbox whatever comes to its mind.
type hostile struct {
	b              *testbed
	random         *rand.Rand
	id, box        string
	stdout, stderr *os.File
}

func (b *testbed) hostile(e *Engine, random *rand.Rand, id string) *hostile {
	options := []string{
		"rotate -1", "rotate -1\ndateext", "rotate 5\ndateext\nmaxage 3650", "rotate 9\ncompress", "rotate 20\nstart 0", "rotate 1\nnotifempty",
	}
	limits := []string{"16KB", "32KB", "64KB"}
	h := &hostile{b: b, random: random, id: id, box: b.sandbox(id)}
	h.stdout, h.stderr = b.prepare(e, id, asks(options[random.IntN(len(options))], limits[random.IntN(len(limits))])...)
	for _, f := range []*os.File{h.stdout, h.stderr} {
		require.NoError(b.t, unix.SetNonblock(int(f.Fd()), true)) // it never waits
	}
	return h
}

// name is one of its series, of those that are there or of those that could be.
func (h *hostile) name() string {
	if paths, _ := filepath.Glob(h.box + "/std*"); len(paths) > 0 && h.random.IntN(2) == 0 {
		return paths[h.random.IntN(len(paths))]
	}
	forms := []string{"stdout.%d", "stdout-20200101.%d", "stdout-20991231.%d", "stdout.%d.gz", "stdout"}
	form := forms[h.random.IntN(len(forms))]
	if strings.Contains(form, "%") {
		form = fmt.Sprintf(form, h.random.IntN(60))
	}
	return h.box + "/" + form
}

// step does one thing; whether it succeeds is its own affair.
func (h *hostile) step() {
	name := h.name()
	switch h.random.IntN(14) {
	case 0, 1, 2, 3, 4:
		_, _ = unix.Write(int(h.stdout.Fd()), numbered(1+h.random.IntN(600), 100))
	case 5:
		for range h.random.IntN(50) {
			_ = os.WriteFile(h.name(), nil, 0o644)
			_ = os.Truncate(h.name(), 1<<uint(h.random.IntN(44)))
		}
	case 6:
		_ = os.WriteFile(name, make([]byte, h.random.IntN(300<<10)), 0o644)
	case 7:
		_ = os.Truncate(name, int64(h.random.IntN(20<<20)))
	case 8:
		_ = os.Chmod(h.box, []os.FileMode{0o555, 0o755, 0o311, 0o755}[h.random.IntN(4)])
	case 9:
		_ = os.Link(name, h.name()+".link")
	case 10:
		_ = os.Remove(name)
	case 11:
		_ = os.Rename(name, h.name())
	case 12:
		_ = os.Mkdir(name, 0o755)
	case 13:
		at := time.Unix(h.random.Int64N(1<<33), 0)
		_ = os.Chtimes(name, at, at)
	}
}

func (h *hostile) end() {
	h.stdout.Close()
	h.stderr.Close()
}

// Honest containers that keep less than their share, beside hostile ones that begin, do
// what they can think of, and end: over 10,000 steps not one file of the honest ones goes.
func TestHonestContainersLoseNothingBesideHostileOnes(t *testing.T) {
	const (
		steps      = 10_000
		honest     = 4
		atOnce     = 8
		containers = 40                     // in all
		most       = containers * 112 << 10 // six files of an honest one are 96 KB
	)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	b := newTestbed(t, "times", "false", "node_max_bytes", fmt.Sprintf("%dB", most), "max_stdout_size", "16KB", "max_stderr_size", "16KB",
		"logrotate_stdout_options", "rotate 5", "full_wait", "10ms", "task_max_files", "none")
	e := b.open()
	defer e.Close()
	outputs := make([]bytes.Buffer, honest)
	var writers []*os.File
	for i := range honest {
		stdout, stderr := b.prepare(e, fmt.Sprintf("honest-%d", i))
		defer stderr.Close()
		writers = append(writers, stdout)
	}
	evicted := func() (files int64) {
		for i := range honest {
			files += b.entryOf(e, fmt.Sprintf("honest-%d", i), "stdout").account.Evicted()
		}
		return files
	}
	var hostiles []*hostile
	began := 0
	line := numbered(1, 100)
	for step := range steps {
		if len(hostiles) < atOnce && honest+began < containers {
			hostiles = append(hostiles, b.hostile(e, random, fmt.Sprintf("hostile-%d", began)))
			box := hostiles[len(hostiles)-1].box
			t.Cleanup(func() { _ = os.Chmod(box, 0o755) })
			began++
		}
		at := random.IntN(len(hostiles))
		hostiles[at].step()
		if random.IntN(steps/containers) == 0 {
			hostiles[at].end()
			hostiles = append(hostiles[:at], hostiles[at+1:]...)
			if len(hostiles) == 0 {
				break
			}
		}
		if random.IntN(200) == 0 {
			e.reactor.Tend()
		}
		i := random.IntN(honest)
		text := bytes.Repeat(line, random.IntN(20))
		outputs[i].Write(text)
		_, err := writers[i].Write(text)
		require.NoError(t, err)
		if step%500 == 0 {
			require.Zero(t, evicted(), "step %d", step)
		}
	}
	for _, h := range hostiles {
		h.end()
	}
	require.Zero(t, evicted())
	assert.Positive(t, e.Metrics().FilesEvicted, "the hostile ones were over the budget")
	for i := range honest {
		id := fmt.Sprintf("honest-%d", i)
		require.NoError(t, writers[i].Close())
		eventually(t, id+" ends", func() bool { return b.has(id, outputs[i].Bytes()) })
		assert.Len(t, b.rotated(id), 5, id)
	}
	t.Logf("%d hostile containers, %d of their files evicted", began, e.Metrics().FilesEvicted)
}

// has tells whether what is kept of a container is the end of its output.
func (b *testbed) has(id string, output []byte) bool {
	return bytes.HasSuffix(output, b.series(id, "stdout", 16<<10)) && len(output) > 0
}
