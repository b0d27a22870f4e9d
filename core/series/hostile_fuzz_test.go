package series

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/sandbox"
)

// The youngest file is a compressed one that cannot be read, and no live file is there: there is
// nothing to print, and still something to wait behind.
func TestFollowBehindADamagedYoungestFile(t *testing.T) {
	for _, junk := range []string{"\x1f\x8bgarbage", "", "no method", "\x28\xb5\x2f\xfdgarbage"} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "stdout.1.gz"), []byte(junk), 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "stdout.2"), []byte("old\n"), 0o644))
		box, err := sandbox.Open(dir)
		require.NoError(t, err)
		policy, err := ReadPolicy("rotate 9\ncompress")
		require.NoError(t, err)
		s := New(box, "stdout", policy)
		r, err := s.Read()
		require.NoError(t, err)
		require.NoError(t, r.Last(1))
		var out bytes.Buffer
		asked := 0
		require.ErrorIs(t, r.Follow(t.Context(), &out, func() bool {
			if asked++; asked == 1 {
				require.NoError(t, os.WriteFile(filepath.Join(dir, "stdout"), []byte("new\n"), 0o644))
			}
			return asked > 3
		}), ErrIncomplete)
		require.Equal(t, "new\n", out.String())
		r.Close()
		require.NoError(t, s.Close())
		require.NoError(t, box.Close())
	}
}

// Whatever stands in a sandbox, and whatever is done to it meanwhile, reading it ends, and
// without a panic.
func FuzzHostileDirectories(f *testing.F) {
	f.Add([]byte("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c"), byte(0))
	f.Add([]byte("\x1f\x8b\x00\xff\x10\x03\x05\x0e\x00\x00\x07"), byte(9))
	names := []string{"stdout", "stdout.1", "stdout.1.gz", "stdout.2", "stdout.2.gz", "stdout.9.gz", ".stdout.sluice-tmp.taken", ".stdout.sluice-tmp.shift", "stdout-20260101", "stdout-20260101.gz", "stdout.logrotate.conf", ".stdout.sluice-carry-0-4", "old"}
	contents := []string{"", "a\n", "half", "\x1f\x8bgarbage", "\x28\xb5\x2f\xfdgarbage", "BZh9junk", "\xfd7zXZ\x00junk", "[sluice] 2026-11-22T14:00:00.123Z lost 9223372036854775807 bytes in 9223372036854775807 lines since 2026-11-22T13:59:58.001Z: \x1b[2J\n", "\x00\x00\x00\x00"}
	policies := []string{"rotate 2", "rotate 2\ncompress", "rotate -1\ndateext\ncompress", "rotate 3\nolddir old", "rotate 0", "rotate 9\nstart 0\ncompress\ncompresscmd zstd"}
	f.Fuzz(func(t *testing.T, script []byte, which byte) {
		dir := t.TempDir()
		secret := filepath.Join(t.TempDir(), "secret")
		at := 0
		next := func() int {
			if len(script) == 0 {
				return 0
			}
			at++
			return int(script[at%len(script)]) + at
		}
		act := func() {
			path := filepath.Join(dir, names[next()%len(names)])
			switch next() % 9 {
			case 0:
				_ = os.Remove(path)
			case 1:
				_ = unix.Mkfifo(path, 0o666)
			case 2:
				_ = os.Symlink(secret, path)
			case 3:
				_ = os.Mkdir(path, 0o755)
			case 4:
				_ = os.Rename(path, filepath.Join(dir, names[next()%len(names)]))
			case 5:
				_ = os.Chtimes(path, time.Time{}, time.Unix(int64(next())<<(next()%40), 0))
			case 6:
				_ = os.Truncate(path, int64(next())<<(next()%20))
			default:
				text := contents[next()%len(contents)]
				f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o644)
				if err == nil {
					_, _ = f.WriteString(text)
					_ = f.Close()
				}
			}
		}
		for range 12 {
			act()
		}
		box, err := sandbox.Open(dir)
		require.NoError(t, err)
		defer box.Close()
		policy, err := ReadPolicy(policies[int(which)%len(policies)])
		require.NoError(t, err)
		s := New(box, "stdout", policy)
		defer s.Close()
		if report, err := s.Verify(t.Context(), Expected{LimitBytes: 4, Kept: true, Account: &Account{Rotations: 3, LiveInode: 1}}); err == nil {
			require.GreaterOrEqual(t, report.LostBytes, int64(0))
			require.GreaterOrEqual(t, report.LostLines, int64(0))
			require.LessOrEqual(t, len(report.Findings), maxFindings)
		}
		r, err := s.Read()
		if err != nil {
			return
		}
		defer r.Close()
		if next()%2 == 0 {
			_ = r.Since(time.Unix(int64(next()), 0))
		}
		if next()%2 == 0 {
			_ = r.Last(int64(next() % 5))
		}
		if next()%2 == 0 {
			if next()%2 == 0 {
				_ = r.Until(time.Unix(int64(next()), 0))
			}
			_ = r.Copy(t.Context(), io.Discard)
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		asked := 0
		err = r.Follow(ctx, io.Discard, func() bool {
			act()
			asked++
			return asked > 3
		})
		require.NotErrorIs(t, err, context.DeadlineExceeded)
	})
}
