package series

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/logrotate"
	"sluice/core/sandbox"
	"sluice/core/series/logtest"
	"sluice/core/seriesname"
	"sluice/core/settings"
)

func openBox(t testing.TB, names ...string) *sandbox.Dir {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
	}
	box, err := sandbox.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { _ = box.Close() })
	return box
}

// What the logger shows in the sandbox is read as it was meant.
func TestShownPolicyIsTheOneInForce(t *testing.T) {
	for _, options := range append(policies,
		"rotate 3\nprerotate\necho }\n}\nendscript\ncompress\ncompresscmd /usr/bin/xz",
		"rotate 0\nmaxage 3\nweekly\ncreate 0600 1 2",
	) {
		policy, err := ReadPolicy(options)
		require.NoError(t, err, options)
		box := openBox(t)
		text := settings.Stream{MaxBytes: 4096, Policy: policy}.ConfText("/a \"sandbox {\n/stdout")
		require.NoError(t, box.Replace("stdout"+ConfSuffix, []byte(text), 0o644))
		shown, err := ShownPolicy(box, "stdout")
		require.NoError(t, err, text)
		assert.Equal(t, texts(policy), texts(shown.Policy), text)
		assert.Equal(t, int64(4096), shown.LimitBytes)
	}
}

func texts(p logrotate.Policy) (texts []string) {
	for _, line := range p.Lines() {
		// Scripts, which do not matter here, are shown indented.
		texts = append(texts, strings.ReplaceAll(line.Text, "\n    ", "\n"))
	}
	return texts
}

func TestShownPolicyRefuses(t *testing.T) {
	box := openBox(t)
	_, err := ShownPolicy(box, "stdout")
	require.ErrorIs(t, err, fs.ErrNotExist)
	for text, want := range map[string]string{
		"":                        "expected one section in braces",
		"rotate 3":                "expected one section in braces",
		"\"x\" {\nrotate many\n}": `"many"`,
	} {
		require.NoError(t, box.Replace("stdout"+ConfSuffix, []byte(text), 0o644))
		_, err = ShownPolicy(box, "stdout")
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "stdout.logrotate.conf")
	}
}

func TestGuessedPolicies(t *testing.T) {
	for _, c := range []struct{ names, oldestFirst string }{
		{"stdout", ""},
		{"stdout stdout.0 stdout.9 stdout.10", "stdout.10 stdout.9 stdout.0"},
		{"stdout stdout.1 stdout.2.gz stdout.x stdout.01 xstdout.1", "stdout.2.gz stdout.1"},
		{"stdout stdout.1.zst stdout.2.zst", "stdout.2.zst stdout.1.zst"},
		{"stdout-20261122 stdout-20261121.gz stdout-20261122.2 stdout-20261122.10", "stdout-20261121.gz stdout-20261122 stdout-20261122.2 stdout-20261122.10"},
		{"stdout-20261122.zst stdout-20261121.zst", "stdout-20261121.zst stdout-20261122.zst"},
	} {
		box := openBox(t, strings.Fields(c.names)...)
		policy, err := GuessPolicy(box, "stdout")
		require.NoError(t, err)
		listing, err := New(box, "stdout", policy).Look()
		require.NoError(t, err)
		var names []string
		for _, file := range listing.Files {
			if !file.Live {
				names = append(names, file.Name)
			}
		}
		assert.Equal(t, c.oldestFirst, strings.Join(names, " "), c.names)
	}
}

// Whatever names there are, the order is one, and is that in which they were made.
func FuzzOrderOfNames(f *testing.F) {
	f.Add(uint8(0), "stdout.1 stdout.10.gz stdout.2 stdout.1.gz")
	f.Add(uint8(8), "stdout-20261122 stdout-20261122.1.gz")
	f.Fuzz(func(t *testing.T, which uint8, text string) {
		policy, err := ReadPolicy(policies[int(which)%len(policies)])
		require.NoError(t, err)
		names := seriesname.New(policy, "stdout")
		var places []seriesname.Place
		for _, name := range strings.Fields(text) {
			if place, ok := names.Place(name); ok {
				again, ok := names.Place(place.Plain)
				require.True(t, ok, "the plain name of %q is not of the series", name)
				require.Equal(t, place.Plain, again.Plain)
				places = append(places, place)
			}
		}
		for _, a := range places {
			for _, b := range places {
				require.False(t, a.Before(b) && b.Before(a), "%v and %v", a, b)
				for _, c := range places {
					require.False(t, a.Before(b) && b.Before(c) && !a.Before(c), "%v, %v, %v", a, b, c)
				}
			}
		}
	})
}

// A later rotation has the later place.
func TestPlacesFollowTheClock(t *testing.T) {
	for _, options := range policies {
		l := logtest.New(t, options, 160)
		for range 20 {
			l.Now = l.Now.Add(25 * time.Hour)
			l.Lines(1, 11)
			l.Rotate()
			l.Compress()
			listing, err := seriesOf(l, options).Look()
			require.NoError(t, err)
			require.True(t, slices.IsSortedFunc(listing.Files, func(a, b File) int { return a.ModTime.Compare(b.ModTime) }), options)
		}
	}
}
