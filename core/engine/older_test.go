package engine

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sluice/tests/older"
)

// between lets the next owner serve what there is.
func (o owners) between(t *testing.T, environment []string) {
	t.Helper()
	if o.next == "" {
		return
	}
	// A child belongs to the thread that started it, and whoever follows another process on
	// that thread waits for all of its children (stepping.follow).
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	next := exec.CommandContext(ctx, o.next)
	next.Env = append(os.Environ(), environment...)
	out, err := next.CombinedOutput()
	require.NoError(t, err, "%s has not taken over all that there is, %q\n%s", o.next, environment, out)
}

// turns are the owners of an upgrade, killed at any point, and of a downgrade and back.
func turns(t *testing.T, of older.Release) map[string]owners {
	t.Helper()
	program := of.EngineTest(t)
	return map[string]owners{
		"to this version from " + of.Version:    {killed: program},
		"to " + of.Version + ", and back again": {next: program},
	}
}

// TestKillAtAChangeOfVersion kills an owner after each system call that changes anything,
// and an owner of another version takes over what it left: every byte is there once, and
// in the account.
func TestKillAtAChangeOfVersion(t *testing.T) {
	policies := []string{"rotate 100\ndateext\ncompress\nolddir old\ncreateolddir 0755", "rotate 2"}
	for _, release := range older.Releases {
		for name, by := range turns(t, release) {
			for _, options := range policies {
				t.Run(name+", "+options, func(t *testing.T) {
					t.Parallel()
					points := killAtEveryPoint(func(at int) bool {
						_, killed := killOnce(t, options, at, by)
						return killed
					})
					require.Greater(t, points, 10)
					t.Logf("killed at %d points", points)
				})
			}
		}
	}
}

// The same with a gap that is open, a line to carry over, and a rotation that the mark
// needs.
func TestKillOnAFullDiskAtAChangeOfVersion(t *testing.T) {
	for _, release := range older.Releases {
		for name, by := range turns(t, release) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				points := killAtEveryPoint(func(at int) bool {
					_, killed := killFullOnce(t, "4KB", append(numbered(39, 100), "the beginning, "...), at, by)
					return killed
				})
				require.Greater(t, points, 10)
				t.Logf("killed at %d points", points)
			})
		}
	}
}

// killAtEveryPoint kills at 1, 2, 3... until one lives to its end.
func killAtEveryPoint(kill func(at int) (killed bool)) (points int) {
	for at := 1; kill(at); at++ {
		points = at
	}
	return points
}
