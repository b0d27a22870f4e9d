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

	"sluice/core/seriesname"
)

// What a rotation works with does not grow with the names of its series that a task plants,
// of whatever form; what the retention counts among them is disposed of, piece by piece.
func TestPlantedNames(t *testing.T) {
	const planted, rotations = 3000, 6
	for _, c := range []struct {
		options, names string
		counted        bool // by the retention
	}{
		{"rotate 5\ndateext", "stdout-20200101.%d", true},
		{"rotate 5\ndateext", "stdout-20990101.%d", true},
		{"rotate 5\ndateext\ncompress", "stdout-20200101.%d", false},
		{"rotate 5\ndateext\ncompress", "stdout-20240310.%d", false},
		{"rotate 5\ndateext\ncompress", "stdout-20200101.%d.gz", true},
		{"rotate 5\ndateext\ncompress\ndelaycompress", "stdout-20200101.%d.gz", true},
		{"rotate 5", "stdout.%d", true},
		{"rotate 100", "stdout.2%05d", false},
		{"rotate 100\ncompress", "stdout.2%05d.gz", false},
	} {
		t.Run(strings.ReplaceAll(c.options, "\n", ",")+" "+c.names, func(t *testing.T) {
			dir := t.TempDir()
			for i := range planted {
				require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf(c.names, i+1)), nil, 0o600))
			}
			d, err := newDriver(t, dir, c.options)
			require.NoError(t, err)
			d.now = time.Date(2024, 3, 10, 12, 0, 0, 0, time.UTC)
			require.NoError(t, d.set.Recover(d.now))
			d.work()
			var last string
			for i := range rotations {
				d.append(fmt.Sprintf("rotation %d\n", i), 1)
				d.set.listing.until = time.Time{} // as if the time were over
				out, err := d.set.Rotate(d.now)
				require.NoError(t, err)
				require.True(t, out.Rotated)
				last = out.Name
				d.work()
				assert.LessOrEqual(t, len(d.set.listing.files), 2*seriesname.Most(d.set.cfg.Policy.Rotate)+8)
			}
			youngest := filepath.Join(dir, last)
			if _, err := os.Stat(youngest); os.IsNotExist(err) {
				youngest += ".gz"
			}
			assert.FileExists(t, youngest)
			entries, err := os.ReadDir(dir)
			require.NoError(t, err)
			if c.counted && d.set.scheme.Dated() {
				assert.LessOrEqual(t, len(entries), 5+2, "files that are left")
			} else if !d.set.scheme.Dated() {
				assert.LessOrEqual(t, len(entries), planted+rotations, "names in no slot of the policy are nobody's business")
			}
		})
	}
}
