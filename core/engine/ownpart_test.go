package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A task can make its live file as long as it likes at no cost. What it adds is not copied
// to the next file, whichever way it adds it, also when another owner finds it.
func TestHolesOfATaskAreNotCarriedOver(t *testing.T) {
	const limit, rounds = 10 << 20, 6
	enlarge := map[string]func(*testing.T, *os.File){
		"extended": func(t *testing.T, live *os.File) { require.NoError(t, live.Truncate(limit-1)) },
		"emptied and extended to the length that it had": func(t *testing.T, live *os.File) {
			info, err := live.Stat()
			require.NoError(t, err)
			require.NoError(t, live.Truncate(0))
			_, err = live.WriteAt([]byte("a line of the task's own\n"), 0)
			require.NoError(t, err)
			require.NoError(t, live.Truncate(max(info.Size(), limit-1)))
		},
		"reserved": func(t *testing.T, live *os.File) {
			require.NoError(t, unix.Fallocate(int(live.Fd()), 0, 0, limit-1))
		},
	}
	for name, enlarge := range enlarge {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, restart %v", name, restart), func(t *testing.T) {
				b := newTestbed(t, "max_stdout_size", "10MB", "logrotate_stdout_options", "rotate 100")
				e := b.open()
				defer func() { e.Close() }()
				stdout, stderr := b.prepare(e, "holes")
				defer stdout.Close()
				require.NoError(t, stderr.Close())
				path := filepath.Join(b.sandbox("holes"), "stdout")
				for round := range rounds {
					_, err := fmt.Fprintf(stdout, "whole %d\nbroken", round)
					require.NoError(t, err)
					waitFor(func() bool { return strings.HasSuffix(tail(t, path), "broken") })
					live, err := os.OpenFile(path, os.O_RDWR, 0)
					require.NoError(t, err)
					enlarge(t, live)
					require.NoError(t, live.Close())
					if restart {
						e.Close()
						e = b.open()
					}
					_, err = fmt.Fprintf(stdout, "end %d\n", round)
					require.NoError(t, err)
					waitFor(func() bool { return strings.HasSuffix(tail(t, path), fmt.Sprintf("end %d\n", round)) })
				}
				assert.Less(t, dataBytes(t, b.sandbox("holes")), int64(1<<20), "bytes of data")
				assert.Zero(t, e.Metrics().DroppedBytes)
			})
		}
	}
}

// tail gives the last bytes of a file that may be rotated at this moment.
func tail(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return ""
	}
	require.NoError(t, err)
	defer f.Close()
	info, err := f.Stat()
	require.NoError(t, err)
	last := make([]byte, min(info.Size(), 64))
	n, _ := f.ReadAt(last, info.Size()-int64(len(last)))
	return string(last[:n])
}

// dataBytes adds up what the files of a directory have that is no hole.
func dataBytes(t *testing.T, dir string) (total int64) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, entry := range entries {
		f, err := os.Open(filepath.Join(dir, entry.Name()))
		require.NoError(t, err)
		for at := int64(0); ; {
			data, err := unix.Seek(int(f.Fd()), at, unix.SEEK_DATA)
			if err != nil {
				break
			}
			at, err = unix.Seek(int(f.Fd()), data, unix.SEEK_HOLE)
			require.NoError(t, err)
			total += at - data
		}
		require.NoError(t, f.Close())
	}
	return total
}
