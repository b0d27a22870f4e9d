package rotation

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/logrotate"
	"sluice/core/rotation/compress"
	"sluice/core/seriesname"
)

// convertPolicies lead to different names and forms.
var convertPolicies = []string{
	"rotate 9",
	"rotate 9\ncompress",
	"rotate 9\ncompress\ndelaycompress",
	"rotate 9\ncompress\ncompresscmd zstd",
	"rotate 9\nstart 0",
	"rotate 9\ndateext",
	"rotate 9\ndateext\ncompress",
	"rotate 9\ndateext\ndateformat .%Y-%m-%d-%H",
	"rotate 9\ndateext\ndateformat -%s\ncompress\ncompresscmd xz",
	"rotate 9\nolddir old\ncreateolddir",
	"rotate 9\naddextension .log\ncompress\ncompresscmd bzip2",
	"rotate 4",
	"rotate 4\ndateext\ncompress",
}

// Whatever the policy was before: what the present one keeps of the series is the end of what
// was written, in order and once, also where the process is killed amid the conversion, and it
// goes on so.
func TestAnotherPolicy(t *testing.T) {
	for _, before := range convertPolicies {
		for _, after := range convertPolicies {
			t.Run(strings.NewReplacer("\n", ",", " ", "_").Replace(before+" to "+after), func(t *testing.T) {
				for kill := 0; changesPolicy(t, before, after, kill); kill += 3 {
					if kill > 300 {
						t.Fatal("the conversion does not end")
					}
				}
			})
		}
	}
}

// changesPolicy kills the conversion at its kill-th change of a name, and tells whether it
// came to that; 0 is none.
func changesPolicy(t *testing.T, before, after string, kill int) (killed bool) {
	dir := t.TempDir()
	d, err := newDriver(t, dir, before)
	require.NoError(t, err)
	d.now = time.Date(2024, 3, 10, 12, 0, 0, 0, time.UTC)
	written := 0
	rotate := func() {
		written++
		d.append(fmt.Sprintf("line %d\n", written), 1)
		require.NoError(t, os.Chtimes(d.livePath(), d.now, d.now))
		_, err := d.set.Rotate(d.now)
		require.NoError(t, err)
		d.now = d.now.Add(7 * time.Hour)
	}
	for range 7 {
		rotate()
		d.work()
	}
	former := d.policy
	rules := logrotate.Rules{AllowScripts: true, Sandbox: dir}
	d.policy, _, err = logrotate.Parse(after, rules)
	require.NoError(t, err)
	if kill > 0 {
		left := kill
		d.stopped = func(string) bool { left--; killed = left <= 0; return killed }
		require.NoError(t, d.restart())
		_ = d.set.Convert(former)
		d.stopped = nil
	}
	require.NoError(t, d.restart())
	require.NoError(t, d.set.Convert(former))
	require.NoError(t, d.set.Recover(d.now))
	d.work()
	kept := min(7, former.Rotate, d.policy.Rotate)
	assertEnd(t, d, written, kept)
	for i := range 12 {
		rotate()
		d.work()
		assertEnd(t, d, written, min(kept+1+i, d.policy.Rotate))
	}
	return killed
}

// assertEnd asserts that the series is the end of the lines written, one a file.
func assertEnd(t *testing.T, d *driver, written, files int) {
	t.Helper()
	found, err := d.set.Files()
	require.NoError(t, err)
	var all bytes.Buffer
	for _, f := range found {
		data, err := os.ReadFile(filepath.Join(d.dir, d.policy.OldDir, f.Name))
		require.NoError(t, err)
		if f.Compressed {
			content, err := compress.Expand(bytes.NewReader(data))
			require.NoError(t, err, f.Name)
			data, err = io.ReadAll(content)
			require.NoError(t, err)
		}
		all.Write(data)
	}
	var want strings.Builder
	for i := written - files + 1; i <= written; i++ {
		fmt.Fprintf(&want, "line %d\n", i)
	}
	require.Equal(t, want.String(), all.String())
	for _, name := range allNames(t, d.dir) {
		assert.False(t, seriesname.Reserved("stdout", filepath.Base(name)), name)
	}
	if len(allNames(t, d.dir)) > files+1 {
		t.Errorf("more than the series: %q", allNames(t, d.dir))
	}
}

// allNames lists the files of a directory and those below it.
func allNames(t *testing.T, dir string) (names []string) {
	t.Helper()
	require.NoError(t, filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			names = append(names, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	}))
	slices.Sort(names)
	return names
}
