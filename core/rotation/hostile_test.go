package rotation

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/logrotate"
	"sluice/core/seriesname"
)

// rotatedOnce appends and rotates, which must free the live name.
func rotatedOnce(t testing.TB, d *driver, text string) Outcome {
	d.now = time.Unix(1710072000, 0).UTC()
	d.append(text, 1)
	out, err := d.set.Rotate(d.now)
	require.NoError(t, err)
	require.True(t, out.Free())
	_, err = os.Lstat(d.livePath())
	require.ErrorIs(t, err, os.ErrNotExist)
	d.work()
	return out
}

func TestAnOldDirThatIsTakenAwayIsMadeAgain(t *testing.T) {
	for name, take := range map[string]func(t *testing.T, old string){
		"removed": func(t *testing.T, old string) { require.NoError(t, os.RemoveAll(old)) },
		"replaced by a link": func(t *testing.T, old string) {
			require.NoError(t, os.RemoveAll(old))
			require.NoError(t, os.Symlink("/tmp", old))
		},
		"replaced by a file": func(t *testing.T, old string) {
			require.NoError(t, os.RemoveAll(old))
			require.NoError(t, os.WriteFile(old, nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := newDriver(t, t.TempDir(), "rotate 2\nolddir a/old\ncreateolddir 0700\ncompress")
			require.NoError(t, err)
			rotatedOnce(t, d, "one")
			take(t, filepath.Join(d.dir, "a", "old"))
			rotatedOnce(t, d, "two")
			require.Equal(t, "two", d.seriesText())
			info, err := os.Stat(filepath.Join(d.dir, "a", "old"))
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o700)|os.ModeDir, info.Mode())
		})
	}
}

func TestImpostorsOfTheLiveFile(t *testing.T) {
	for name, plant := range map[string]func(path string) error{
		"directory": func(path string) error { return os.Mkdir(path, 0o755) },
		"link":      func(path string) error { return os.Symlink("/etc/passwd", path) },
		"fifo":      func(path string) error { return unix.Mkfifo(path, 0o600) },
		"hard link": func(path string) error {
			if err := os.WriteFile(path+"x", nil, 0o600); err != nil {
				return err
			}
			return os.Link(path+"x", path)
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := newDriver(t, t.TempDir(), "rotate 2")
			require.NoError(t, err)
			for i := range 3 {
				require.NoError(t, plant(d.livePath()))
				out, err := d.set.Rotate(time.Now())
				require.NoError(t, err)
				require.True(t, out.Free())
				require.False(t, out.Rotated)
				require.Equal(t, 1, out.Impostors)
				_, err = os.Lstat(fmt.Sprintf("%s.impostor-%d", d.livePath(), i+1))
				require.NoError(t, err)
				_ = os.Remove(d.livePath() + "x")
			}
		})
	}
}

func TestDirectoriesInTheWay(t *testing.T) {
	for _, options := range []string{"rotate 1", "rotate 2\ncompress", "rotate 1\ndateext", "rotate 1\ncompress\ndelaycompress"} {
		d, err := newDriver(t, t.TempDir(), options)
		require.NoError(t, err)
		for _, name := range []string{"stdout.1", "stdout.2", "stdout.1.gz", "stdout.2.gz", "stdout-20240310", "stdout-20240310.1"} {
			require.NoError(t, os.MkdirAll(filepath.Join(d.dir, name, "full"), 0o755))
		}
		for _, text := range []string{"a", "b", "c"} {
			rotatedOnce(t, d, text)
		}
		require.True(t, strings.HasSuffix("abc", d.seriesText()), "%s: %q", options, d.seriesText())
		require.NotEmpty(t, d.seriesText(), options)
	}
}

// TestDirectoriesUnderReservedNames plants what cannot be replaced wherever a rotation, a
// compression or a recovery makes a file of its own.
func TestDirectoriesUnderReservedNames(t *testing.T) {
	for _, options := range []string{
		"rotate 5", "rotate 5\ncompress", "rotate 5\ndateext", "rotate 5\ncompress\ndelaycompress", "rotate 5\ncopytruncate\ncompress",
	} {
		t.Run(options, func(t *testing.T) {
			d, err := newDriver(t, t.TempDir(), options)
			require.NoError(t, err)
			plant := func(names ...string) {
				for _, name := range names {
					require.NoError(t, os.MkdirAll(filepath.Join(d.dir, name, "full"), 0o755))
				}
			}
			for _, text := range []string{"a", "b", "c"} {
				d.append(text, 1)
				info, err := os.Stat(d.livePath())
				require.NoError(t, err)
				plant(seriesname.Taken("stdout"), seriesname.ShiftNote("stdout"), seriesname.RemovalNote("stdout"),
					seriesname.HeldPrefix("stdout")+"stdout.1", seriesname.HeldPrefix("stdout")+"stdout.2.gz",
					seriesname.Owed("stdout", inodeOf(info)), seriesname.Output("stdout", inodeOf(info)))
				rotatedOnce(t, d, text)
				d.work()
			}
			require.Zero(t, d.set.Stats().FailedCompressions)
			require.Zero(t, d.set.Stats().Pending)
			plant(seriesname.Taken("stdout"), seriesname.ShiftNote("stdout"), seriesname.RemovalNote("stdout"))
			require.NoError(t, d.set.Recover(d.now))
			require.Equal(t, "aabbcc", d.seriesText())
		})
	}
}

func TestForgedNotesHarmOnlyTheSeries(t *testing.T) {
	d, err := newDriver(t, t.TempDir(), "rotate 3\ncompress")
	require.NoError(t, err)
	victim := filepath.Join(d.dir, "victim")
	require.NoError(t, os.WriteFile(victim, []byte("precious"), 0o600))
	info, err := os.Stat(victim)
	require.NoError(t, err)
	inode := base36(inodeOf(info))
	for name, note := range map[string]string{
		seriesname.ShiftNote("stdout"):           "1/" + inode + "/victim/stdout.1",
		seriesname.RemovalNote("stdout"):         "1/" + inode,
		seriesname.Owed("stdout", inodeOf(info)): "compress",
	} {
		require.NoError(t, os.Symlink(note, filepath.Join(d.dir, name)))
	}
	require.NoError(t, d.set.Recover(time.Now()))
	d.work()
	require.Equal(t, []string{"victim=precious"}, d.contents())
}

// TestRotationNeedsNoFreeSpace fills a file system and rotates on.
func TestRotationNeedsNoFreeSpace(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=512k,mode=0755"); err != nil {
		t.Skip("mounting a small tmpfs needs CAP_SYS_ADMIN: ", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	d, err := newDriver(t, dir, "rotate 3\ncompress")
	require.NoError(t, err)
	rotatedOnce(t, d, strings.Repeat("a", 1000))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ballast"), make([]byte, 64<<10), 0o600))

	text := incompressible(128 << 10)
	d.append(text, 1)
	fill(t, filepath.Join(dir, "rest"))
	out, err := d.set.Rotate(d.now)
	require.NoError(t, err)
	require.True(t, out.Rotated)
	d.work()
	require.Equal(t, Stats{Compressed: 1, FailedCompressions: 1, Pending: 1}, d.set.Stats())
	require.Equal(t, strings.Repeat("a", 1000)+text, d.seriesText(), "the plain file is in the series")

	sizeBytes, ok, err := d.set.DropOldest()
	require.NoError(t, err)
	require.True(t, ok)
	require.Positive(t, sizeBytes)
	require.NoError(t, os.Remove(filepath.Join(dir, "rest")))
	require.NoError(t, os.Remove(filepath.Join(dir, "ballast")))
	d.append("b", 1)
	_, err = d.set.Rotate(d.now)
	require.NoError(t, err)
	d.work()
	require.Equal(t, text+"b", d.seriesText())
	require.Zero(t, d.set.Stats().Pending)
}

// fill writes until the file system is full.
func fill(t *testing.T, path string) {
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	require.ErrorIs(t, err, unix.ENOSPC)
}

// incompressible is text that looks random.
func incompressible(size int) string {
	b := make([]byte, size)
	state := uint64(1)
	for i := range b {
		state = state*6364136223846793005 + 1442695040888963407
		b[i] = byte(state >> 56)
	}
	return string(b)
}

func TestRotateNeverFollowsALiveLink(t *testing.T) {
	d, err := newDriver(t, t.TempDir(), "rotate 2\ncompress")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(d.dir, "target"), []byte("x"), 0o600))
	require.NoError(t, os.Symlink("target", filepath.Join(d.dir, "stdout.1")))
	rotatedOnce(t, d, "a")
	rotatedOnce(t, d, "b")
	content, err := os.ReadFile(filepath.Join(d.dir, "target"))
	require.NoError(t, err)
	require.Equal(t, "x", string(content))
}

func BenchmarkRotate(b *testing.B) {
	for _, options := range []string{"rotate 5", "rotate 5\ncompress\ndelaycompress", "rotate 5\ndateext"} {
		b.Run(options, func(b *testing.B) {
			d, err := newDriver(b, b.TempDir(), options)
			require.NoError(b, err)
			d.set.cfg.Submit = func(Task) {}
			now := time.Unix(1710072000, 0).UTC()
			for b.Loop() {
				b.StopTimer()
				f, err := d.sb.Create("stdout", 0o644)
				require.NoError(b, err)
				_ = f.Close()
				b.StartTimer()
				out, err := d.set.Rotate(now)
				if err != nil || !out.Rotated {
					b.Fatal(out, err)
				}
			}
		})
	}
}

// A task can make its file as long as it likes at no cost: reading it to the end
// would be the logger's.
func TestAnExtendedFileIsNotCompressed(t *testing.T) {
	d, err := newDriver(t, t.TempDir(), "rotate 1\ncompress")
	require.NoError(t, err)
	d.set.cfg.LimitBytes = 4096
	require.NoError(t, os.WriteFile(d.livePath(), []byte("a\n"), 0o644))
	require.NoError(t, os.Truncate(d.livePath(), 1<<42))
	_, err = d.set.Rotate(d.now)
	require.NoError(t, err)
	d.work()
	require.Equal(t, Stats{FailedCompressions: 1, Pending: 1}, d.set.Stats())
	rotatedOnce(t, d, "two")
	require.Equal(t, "two", d.seriesText(), "the series keeps its bound")
}

// What stands in the way of a name of ours is kept as a backup; but the name of the backup is
// one that a task can know, and may have given to what cannot be replaced.
func TestBackupsWhoseNamesAreTaken(t *testing.T) {
	now := time.Date(2024, 3, 10, 12, 0, 0, 0, time.UTC)
	full := func(t *testing.T, path string) {
		require.NoError(t, os.MkdirAll(path, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(path, "full"), nil, 0o600))
	}
	for _, what := range []string{"a file", "a directory"} {
		held := func(t *testing.T, path string) {
			if what == "a directory" {
				full(t, path)
				return
			}
			require.NoError(t, os.WriteFile(path, []byte("held"), 0o600))
		}
		t.Run(what+" was held", func(t *testing.T) {
			d, err := newDriver(t, t.TempDir(), "rotate 3")
			require.NoError(t, err)
			d.now = now
			require.NoError(t, os.WriteFile(filepath.Join(d.dir, "stdout.1"), []byte("one"), 0o600))
			held(t, filepath.Join(d.dir, seriesname.HeldPrefix("stdout")+"stdout.1"))
			full(t, filepath.Join(d.dir, backupName("stdout.1", now)))
			require.NoError(t, d.set.Recover(now))
			d.append("two", 1)
			out, err := d.set.Rotate(now)
			require.NoError(t, err)
			require.True(t, out.Free())
			require.NoFileExists(t, filepath.Join(d.dir, seriesname.HeldPrefix("stdout")+"stdout.1"))
		})
		t.Run(what+" has the name of a compressed file", func(t *testing.T) {
			d, err := newDriver(t, t.TempDir(), "rotate 3\ncompress")
			require.NoError(t, err)
			d.now = now
			d.append("one", 1)
			_, err = d.set.Rotate(now)
			require.NoError(t, err)
			held(t, filepath.Join(d.dir, "stdout.1.gz"))
			full(t, filepath.Join(d.dir, backupName("stdout.1.gz", now)))
			d.work()
			require.NoFileExists(t, filepath.Join(d.dir, "stdout.1"))
			require.Equal(t, "one", d.seriesText())
		})
		for _, after := range []string{"rotate 3\ndateext", "rotate 3\ndateext\ncompress\ncompresscmd zstd"} {
			t.Run(what+" has the name under another policy: "+after, func(t *testing.T) {
				d, err := newDriver(t, t.TempDir(), "rotate 3\ncompress")
				require.NoError(t, err)
				d.now = now
				d.append("one", 1)
				require.NoError(t, os.Chtimes(d.livePath(), now, now))
				_, err = d.set.Rotate(now)
				require.NoError(t, err)
				d.work()
				former := d.policy
				d.policy, _, err = logrotate.Parse(after, logrotate.Rules{Sandbox: d.dir})
				require.NoError(t, err)
				require.NoError(t, d.restart())
				for _, ending := range []string{"", ".gz", ".zst"} {
					held(t, filepath.Join(d.dir, "stdout-20240310"+ending))
					full(t, filepath.Join(d.dir, backupName("stdout-20240310"+ending, now)))
				}
				require.NoError(t, d.set.Convert(former))
			})
		}
	}
}
