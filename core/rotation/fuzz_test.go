package rotation

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sluice/core/logrotate"
	"sluice/core/seriesname"
)

// fuzzPolicies are what FuzzRecover chooses from.
var fuzzPolicies = []string{
	"rotate 3", "rotate 3\ncompress", "rotate 2\ncompress\ndelaycompress", "rotate 0", "rotate 0\ncompress",
	"rotate -1\ncompress", "rotate 2\ndateext", "rotate 3\ndateext\ncompress\ndelaycompress",
	"rotate 2\ncopytruncate\ncompress", "rotate 3\nextension out\ncompress", "rotate 100\ncompress",
	"rotate 3\ndateext\ndateformat -%d-%m-%Y", "rotate 3\nmaxage 1", "rotate 2\nrenamecopy\nnotifempty",
}

// fuzzNames are names that matter to a series, or nearly.
func fuzzNames(inode func(int) uint64) []string {
	names := []string{
		"stdout", "stdout.0", "stdout.1", "stdout.2", "stdout.3", "stdout.4", "stdout.1.gz", "stdout.2.gz",
		"stdout.3.gz", "stdout.4.gz", "std.1out", "std.1out.gz", "std.2out", "stdout.01", "stdout.99999999999",
		"stdout-20240310", "stdout-20240310.1", "stdout-20240310.1.gz", "stdout-20240309.gz", "stdout-09-03-2024",
		"stdout-20240308.gz", "stdout.1.gz-2024031012.backup", "precious", "stderr.1",
		seriesname.ShiftNote("stdout"), seriesname.RemovalNote("stdout"), seriesname.HeldPrefix("stdout") + "stdout.2",
		seriesname.HeldPrefix("stdout") + "../precious", seriesname.ReservedPrefix("stdout") + "x", seriesname.ReservedPrefix("stdout") + "1.out",
	}
	for i := range 4 {
		names = append(names, seriesname.Owed("stdout", inode(i)), seriesname.Output("stdout", inode(i)))
	}
	return names
}

// sandboxScript lays a sandbox as bytes say: three bytes make one name.
func sandboxScript(t testing.TB, dir string, script []byte) {
	var inodes []uint64
	inode := func(i int) uint64 {
		if i < len(inodes) {
			return inodes[i]
		}
		return uint64(i) + 3
	}
	for i := 0; i+3 <= len(script) && i < 3*24; i += 3 {
		names := fuzzNames(inode)
		name := names[int(script[i])%len(names)]
		if strings.Contains(name, "/") {
			continue
		}
		path := filepath.Join(dir, name)
		text := fmt.Sprintf("content %d\n", i)
		note := fmt.Sprintf("%s/%s/%s/%s", base36(inode(int(script[i+2])%4)), base36(inode(int(script[i+2])%3)),
			names[int(script[i+2])%8], names[int(script[i+2]/8)%8])
		switch script[i+1] % 6 {
		case 0, 1:
			_ = os.WriteFile(path, []byte(text), 0o644)
			at := time.Date(2024, 3, 10, 0, int(script[i+2]%2), 0, 0, time.UTC)
			_ = os.Chtimes(path, at, at)
		case 2:
			_ = os.Symlink(note, path)
		case 3:
			_ = os.Mkdir(path, 0o755)
		case 4:
			_ = os.Link(filepath.Join(dir, names[int(script[i+2])%len(names)]), path)
		case 5:
			_ = os.Symlink("precious", path)
		}
		if info, err := os.Lstat(path); err == nil {
			inodes = append(inodes, inodeOf(info))
		}
	}
}

// FuzzRecover recovers from sandboxes that a hostile task has prepared: names of the
// series and of the logger's notes in any state. Whatever it finds, recovery leaves
// foreign files alone, does nothing when done again, and lets the live file rotate.
func FuzzRecover(f *testing.F) {
	for policy := range fuzzPolicies {
		f.Add(uint8(policy), []byte("\x00\x00\x00\x02\x00\x01\x03\x01\x02\x16\x00\x00"))
		f.Add(uint8(policy), []byte("\x02\x00\x00\x18\x02\x0a\x06\x00\x00\x1e\x02\x00\x1f\x00\x00"))
		f.Add(uint8(policy), []byte("\x02\x00\x00\x03\x00\x00\x1a\x00\x00\x19\x02\x01\x00\x03\x00"))
	}
	f.Fuzz(func(t *testing.T, policy uint8, script []byte) {
		dir := quickDir(t)
		sandboxScript(t, dir, script)
		outside := foreign(t, dir)
		d, err := newDriver(t, dir, fuzzPolicies[int(policy)%len(fuzzPolicies)])
		require.NoError(t, err)
		d.now = time.Date(2024, 3, 10, 12, 0, 0, 0, time.UTC)
		require.NoError(t, d.set.Recover(d.now))
		d.work()
		require.Equal(t, outside, foreign(t, dir), "foreign files after recovery")

		before := listing36(t, dir)
		require.NoError(t, d.restart())
		require.NoError(t, d.set.Recover(d.now))
		d.work()
		require.Equal(t, before, listing36(t, dir), "a second recovery changes nothing")

		rotateHostile(t, d)
		require.Equal(t, outside, foreign(t, dir), "foreign files after rotation")
	})
}

// rotateHostile rotates twice and asserts that the live name is free each time.
func rotateHostile(t *testing.T, d *driver) {
	for range 2 {
		out, err := d.set.Rotate(d.now)
		require.NoError(t, err)
		d.work()
		if !out.Empty {
			require.True(t, out.Free())
			_, err = os.Lstat(d.livePath())
			require.ErrorIs(t, err, os.ErrNotExist)
			d.append("live\n", 1)
			require.NoError(t, os.Chtimes(d.livePath(), d.now, d.now))
		}
		if out.Name != "" && d.policy.Rotate != 0 {
			files, err := d.set.Files()
			require.NoError(t, err)
			require.NotEmpty(t, files, "the live file is in the series")
		}
	}
}

// foreign is what the logger has no business with.
func foreign(t testing.TB, dir string) []string {
	var found []string
	for _, name := range listing36(t, dir) {
		if strings.HasPrefix(name, "precious") || strings.HasPrefix(name, "stderr.1") {
			found = append(found, name)
		}
	}
	return found
}

// listing36 shows names with their files.
func listing36(t testing.TB, dir string) []string {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		names = append(names, fmt.Sprintf("%s %s %d %s", e.Name(), info.Mode(), info.Size(), base36(inodeOf(info))))
	}
	slices.Sort(names)
	return names
}

// FuzzConvert brings a sandbox that a hostile task has prepared from one policy to another.
// Whatever it finds, foreign files are left alone, recovery works afterwards and has nothing
// left to do when it is done again, and the live file rotates.
func FuzzConvert(f *testing.F) {
	for policy := range fuzzPolicies {
		f.Add(uint8(policy), uint8(policy+1), []byte("\x00\x00\x00\x02\x00\x01\x03\x01\x02\x16\x00\x00"))
		f.Add(uint8(policy), uint8(5*policy+2), []byte("\x02\x00\x00\x18\x02\x0a\x06\x00\x00\x1e\x02\x00\x1f\x00\x00\x0f\x00\x01\x10\x00\x00\x11\x03\x00"))
	}
	f.Fuzz(func(t *testing.T, before, after uint8, script []byte) {
		dir := quickDir(t)
		sandboxScript(t, dir, script)
		outside := foreign(t, dir)
		d, err := newDriver(t, dir, fuzzPolicies[int(before)%len(fuzzPolicies)])
		require.NoError(t, err)
		former := d.policy
		d.policy, _, err = logrotate.Parse(fuzzPolicies[int(after)%len(fuzzPolicies)], logrotate.Rules{AllowScripts: true, Sandbox: dir})
		require.NoError(t, err)
		d.now = time.Date(2024, 3, 10, 12, 0, 0, 0, time.UTC)
		require.NoError(t, d.restart())
		_ = d.set.Convert(former) // files that cannot be converted stay, and are told
		require.NoError(t, d.set.Recover(d.now))
		d.work()
		require.Equal(t, outside, foreign(t, dir), "foreign files after the conversion")

		live := listing36(t, dir)
		require.NoError(t, d.restart())
		require.NoError(t, d.set.Recover(d.now))
		d.work()
		require.Equal(t, live, listing36(t, dir), "a second recovery changes nothing")

		rotateHostile(t, d)
		require.Equal(t, outside, foreign(t, dir), "foreign files after rotation")
	})
}
