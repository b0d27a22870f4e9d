package stream

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/sandbox"
	"sluice/core/worker"
	sluicepb "sluice/proto"
)

func inodeOf(t testing.TB, path string) uint64 {
	t.Helper()
	var st unix.Stat_t
	require.NoError(t, unix.Stat(path, &st))
	return st.Ino
}

// reborn gives path to a new file that has the inode of one that was removed.
func reborn(t *testing.T, path string, inode uint64) {
	t.Helper()
	var tried []string
	for range 5000 {
		f, err := os.CreateTemp(filepath.Dir(path), ".try-")
		require.NoError(t, err)
		require.NoError(t, f.Close())
		if inodeOf(t, f.Name()) == inode {
			require.NoError(t, os.Rename(f.Name(), path))
			for _, name := range tried {
				require.NoError(t, os.Remove(name))
			}
			return
		}
		tried = append(tried, f.Name())
	}
	t.Skip("the file system of the test does not give the numbers of inodes again: ext4 does")
}

// A rotation that keeps no file removes the live one; when its owner is killed then, the
// next live file may have the same inode.
func TestAccountTellsALiveFileFromALaterOneOfItsInode(t *testing.T) {
	s := newServed(t, "rotate 0")
	s.owner(func(thread *worker.Thread, of *Stream) {
		s.writes(thread, of, 300)
		require.NoError(t, of.note(3000, 0))
		require.NoError(t, of.save(thread))
	})
	inode := inodeOf(t, s.live())
	require.NoError(t, os.Remove(s.live()))
	reborn(t, s.live(), inode)
	s.owner(func(thread *worker.Thread, of *Stream) {
		assert.Equal(t, int64(3000), of.Account().InBytes())
		assert.Equal(t, int64(1), of.Account().Rotations)
		s.writes(thread, of, 20)
	})
	s.owner(func(_ *worker.Thread, of *Stream) {
		assert.Equal(t, int64(3200), of.Account().InBytes())
		require.NoError(t, of.countAll())
		assert.Equal(t, int64(320), of.Account().WrittenLines)
	})
}

// What was written to a live file before the task removed it is in the account of the next
// owner too, whatever inode the file after it has.
func TestAccountHasWhatTheTaskRemoved(t *testing.T) {
	s := newServed(t, "rotate 9")
	s.owner(func(thread *worker.Thread, of *Stream) {
		for range 5 {
			s.writes(thread, of, 30)
			require.NoError(t, os.Remove(s.live()))
			s.writes(thread, of, 15)
		}
	})
	s.owner(func(_ *worker.Thread, of *Stream) {
		assert.Equal(t, s.moved, of.Account().InBytes())
		assert.Zero(t, of.Account().Rotations)
		require.NoError(t, of.countAll())
		assert.Equal(t, s.moved/10, of.Account().WrittenLines)
	})
}

// What a task adds to its live file while there is no owner is no output of the container,
// but for what is within the limit: that nobody can tell.
func TestAccountHasLittleOfWhatTheTaskAdded(t *testing.T) {
	for name, meanwhile := range map[string]func(t *testing.T, live string){
		"extended": func(t *testing.T, live string) { require.NoError(t, os.Truncate(live, 1<<40)) },
		"another file, extended": func(t *testing.T, live string) {
			require.NoError(t, os.Rename(live, live+"-away"))
			require.NoError(t, os.WriteFile(live, nil, 0o644))
			require.NoError(t, os.Truncate(live, 1<<40))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServed(t, "rotate 9")
			s.owner(func(thread *worker.Thread, of *Stream) { s.writes(thread, of, 30) })
			meanwhile(t, s.live())
			s.owner(func(_ *worker.Thread, of *Stream) {
				assert.LessOrEqual(t, of.Account().InBytes(), int64(servedLimitBytes)+s.moved)
				if name == "extended" {
					assert.GreaterOrEqual(t, of.Account().InBytes(), s.moved)
				}
			})
		})
	}
}

func TestBirthMarkCountsOnlyWithItsAccount(t *testing.T) {
	marked := func(change func(a *sluicepb.Accounting)) *sluicepb.Accounting {
		a := &sluicepb.Accounting{
			WrittenBytes: 100, LiveInode: 7,
			LiveBirth: &sluicepb.Birth{Inode: 7, WrittenBytes: 100, UnixNano: 50, Generation: 3},
		}
		change(a)
		return a
	}
	nothing := func(*sluicepb.Accounting) {}
	for _, c := range []struct {
		name  string
		a     *sluicepb.Accounting
		inode uint64
		birth sandbox.Birth
		want  bool
	}{
		{"the same", marked(nothing), 7, sandbox.Birth{UnixNano: 50, Generation: 3}, true},
		{"another inode", marked(nothing), 8, sandbox.Birth{UnixNano: 50, Generation: 3}, false},
		{"made later", marked(nothing), 7, sandbox.Birth{UnixNano: 51, Generation: 3}, false},
		{"another generation", marked(nothing), 7, sandbox.Birth{UnixNano: 50, Generation: 4}, false},
		{"no time now", marked(nothing), 7, sandbox.Birth{Generation: 3}, true},
		{"no generation then", marked(func(a *sluicepb.Accounting) { a.LiveBirth.Generation = 0 }), 7, sandbox.Birth{UnixNano: 50, Generation: 4}, true},
		{"an older version has gone on", marked(func(a *sluicepb.Accounting) { a.WrittenBytes = 200 }), 7, sandbox.Birth{UnixNano: 60}, true},
		{"an older version, another file", marked(func(a *sluicepb.Accounting) { a.WrittenBytes, a.LiveInode = 200, 9 }), 9, sandbox.Birth{UnixNano: 60}, true},
		{"a record of a version without marks", marked(func(a *sluicepb.Accounting) { a.LiveBirth = nil }), 7, sandbox.Birth{UnixNano: 60}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.want, IsLive(c.a, c.inode, c.birth))
		})
	}
}
