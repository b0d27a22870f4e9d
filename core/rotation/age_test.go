package rotation

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The oldest file goes first and is listed first, whatever its name says.
func TestDatedFilesAreOrderedByAge(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	for _, c := range []struct {
		name, format string
		start        time.Time
		step         time.Duration
	}{
		{"day and month", "-%d-%m", time.Date(2026, 1, 28, 12, 0, 0, 0, berlin), 24 * time.Hour},
		{"month and day, at the turn of the year", "-%m%d", time.Date(2026, 12, 28, 12, 0, 0, 0, berlin), 24 * time.Hour},
		{"day", "-%d", time.Date(2026, 1, 28, 12, 0, 0, 0, berlin), 24 * time.Hour},
		{"week", "-%V", time.Date(2026, 12, 10, 12, 0, 0, 0, berlin), 7 * 24 * time.Hour},
		{"year and week", "-%Y-%V", time.Date(2026, 12, 10, 12, 0, 0, 0, berlin), 7 * 24 * time.Hour},
		{"hour and minute", "-%H%M", time.Date(2026, 1, 28, 21, 30, 0, 0, berlin), time.Hour},
		{"the hour that comes again", "-%Y%m%d%H%M", time.Date(2026, 10, 25, 0, 50, 0, 0, berlin), 17 * time.Minute},
		{"the usual one", "", time.Date(2026, 12, 28, 12, 0, 0, 0, berlin), 24 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := newDriver(t, t.TempDir(), "rotate 4\ndateext\ndateformat "+c.format)
			if c.format == "" {
				d, err = newDriver(t, t.TempDir(), "rotate 4\ndateext")
			}
			require.NoError(t, err)
			d.now = c.start
			for i := 1; i <= 12; i++ {
				rotateOnce(t, d, i)
				assertEnd(t, d, i, min(i, 4))
				d.now = d.now.Add(c.step)
			}
		})
	}
}

// rotateOnce writes a line, at the time of the driver, and rotates.
func rotateOnce(t *testing.T, d *driver, line int) {
	t.Helper()
	d.append(fmt.Sprintf("line %d\n", line), 1)
	require.NoError(t, os.Chtimes(d.livePath(), d.now, d.now))
	_, err := d.set.Rotate(d.now)
	require.NoError(t, err)
	d.work()
}

// A clock that was years ahead is set right: what was rotated before is older.
func TestDatedFilesOfAClockThatWasAhead(t *testing.T) {
	d, err := newDriver(t, t.TempDir(), "rotate 4\ndateext")
	require.NoError(t, err)
	d.now = time.Date(2099, 1, 1, 12, 0, 0, 0, time.UTC)
	for i := 1; i <= 12; i++ {
		if i == 6 {
			d.now = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
		}
		rotateOnce(t, d, i)
		assertEnd(t, d, i, min(i, 4))
		d.now = d.now.Add(24 * time.Hour)
	}
}

// Where a copy has given all files other times, the names decide.
func TestDatedFilesOfACopy(t *testing.T) {
	for _, format := range []string{"", "\ndateformat -%Y%m%d", "\ndateformat -%m%d"} {
		dir := t.TempDir()
		d, err := newDriver(t, dir, "rotate 9\ndateext"+format)
		require.NoError(t, err)
		d.now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		for i := 1; i <= 9; i++ {
			rotateOnce(t, d, i)
			d.now = d.now.Add(24 * time.Hour)
		}
		names, err := filepath.Glob(filepath.Join(dir, "stdout-*"))
		require.NoError(t, err)
		copied := d.now.Add(-time.Hour)
		for i, name := range names {
			at := copied.Add(-time.Duration(i) * time.Second)
			require.NoError(t, os.Chtimes(name, at, at))
		}
		require.NoError(t, d.restart())
		require.NoError(t, d.set.Recover(d.now))
		files, err := d.set.Files()
		require.NoError(t, err)
		var order []string
		for _, f := range files {
			order = append(order, f.Name)
		}
		assert.IsIncreasing(t, order, strings.TrimSpace(format))
	}
}
