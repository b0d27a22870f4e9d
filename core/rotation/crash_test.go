package rotation

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sluice/core/rotation/casefile"
	"sluice/core/seriesname"
)

// TestCrashAtEveryStep kills the process after every change of a name in every
// rotation of every recorded case, also while it recovers, and asserts that what is
// there after recovery is what is there without the crash.
func TestCrashAtEveryStep(t *testing.T) {
	for _, c := range casefile.Load(t) {
		if c.Stream != nil || c.RootOnly && os.Geteuid() != 0 {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			probe := startReplay(t, c)
			if probe.refusal != nil {
				t.Skip("refused")
			}
			if strings.Contains(c.Options, "rm -f") {
				t.Skip("its script removes files, and a rotation that was killed does not run it again")
			}
			want, points := uncrashed(probe)
			for rotation := range c.Rotations {
				for point := 1; point <= points[rotation]; point++ {
					// Every other recovery is killed as well, again and again.
					crash(t, c, want, rotation, point, (point+rotation)%2 == 0)
				}
			}
		})
	}
}

// uncrashed gives the trees after every rotation, and how many changes of names each
// of them made.
func uncrashed(r *replay) (after []casefile.Tree, points []int) {
	for _, step := range r.c.Rotations {
		count := 0
		r.stopped = func(string) bool { count++; return false }
		r.set.stopped = r.stopped
		r.trigger(step)
		after = append(after, r.everything())
		points = append(points, count)
	}
	return after, points
}

// everything is the whole sandbox, times included, but for what scripts wrote.
func (r *replay) everything() casefile.Tree {
	all := casefile.ReadTree(r.t, r.dir, casefile.Tree{})
	all = casefile.ReadTree(r.t, r.dir, strict(all, false))
	delete(all, "script.out")
	for name, n := range all {
		if seriesname.Reserved("stdout", name) {
			// Its name has an inode.
			delete(all, name)
			all["reserved "+n.Type] = casefile.Node{}
		}
	}
	return all
}

func crash(t *testing.T, c casefile.Case, want []casefile.Tree, rotation, point int, again bool) {
	r := startReplay(t, c)
	require.NoError(t, r.refusal)
	for i, step := range c.Rotations {
		if i != rotation {
			r.trigger(step)
			continue
		}
		at := r.crashAt(step, point)
		require.NotEmpty(t, at, "rotation %d has no point %d", i, point)
		r.recover(again)
		require.Equal(t, want[i], r.everything(), "killed after %q in rotation %d; options:\n%s", at, i+1, c.Options)
	}
	require.Equal(t, want[len(want)-1], r.everything(), "killed at point %d of rotation %d, at the end", point, rotation+1)
}

// crashAt does a rotation that ends at a point; it says what was done last.
func (r *replay) crashAt(step casefile.Trigger, point int) string {
	count, at := 0, ""
	r.set.stopped = func(done string) bool {
		if count++; count == point {
			at = done
		}
		return count >= point
	}
	r.now = casefile.Clock(r.t, step.Time, r.c.Location(r.t))
	if step.Append != "" {
		r.append(step.Append, step.Repeat)
	}
	for _, b := range step.Before {
		b.Make(r.t, r.dir)
	}
	r.touchLive()
	out, err := r.fire(r.c.MaxSize)
	if !errors.Is(err, errStopped) {
		require.NoError(r.t, err)
	}
	if out.Free() {
		r.live = out.Live
	}
	for len(r.queue) > 0 && count < point {
		task := r.queue[0]
		r.queue = r.queue[1:]
		task(nil)
	}
	return at
}

// recover starts a new process, and if it is to crash again, kills each at its first
// change of a name, as long as there is one.
func (r *replay) recover(again bool) {
	const endless = 100
	for range endless {
		killed := false
		r.stopped = nil
		if again {
			r.stopped = func(string) bool { killed = true; return true }
		}
		require.NoError(r.t, r.restart())
		err := r.set.Recover(r.now)
		if killed {
			require.ErrorIs(r.t, err, errStopped)
			continue
		}
		require.NoError(r.t, err)
		r.set.stopped, r.stopped = nil, nil
		if _, err := os.Lstat(r.livePath()); err == nil {
			out, err := r.fire(r.c.MaxSize)
			require.NoError(r.t, err)
			if out.Free() {
				r.live = out.Live
			}
		} else {
			// The process was killed before it made one: the next makes its first.
			r.live = r.set.Live()
		}
		r.work()
		return
	}
	require.Fail(r.t, "recovery never ends")
}

// TestCrashMatrixSeesLoss makes sure that the matrix would notice: a lost file, and
// one that is there twice, are differences.
func TestCrashMatrixSeesLoss(t *testing.T) {
	dir := t.TempDir()
	r := &replay{t: t, driver: &driver{t: t, dir: dir}}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "stdout.1"), []byte("a\n"), 0o644))
	at := time.Unix(1710072000, 0)
	require.NoError(t, os.Chtimes(filepath.Join(dir, "stdout.1"), at, at))
	before := r.everything()
	require.NoError(t, os.Link(filepath.Join(dir, "stdout.1"), filepath.Join(dir, "stdout.2")))
	require.NotEqual(t, before, r.everything())
	require.NoError(t, os.Remove(filepath.Join(dir, "stdout.1")))
	require.NotEqual(t, before, r.everything())
}
