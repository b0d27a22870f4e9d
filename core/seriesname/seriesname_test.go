package seriesname

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sluice/core/logrotate"
)

func TestDatesOfFormats(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	at := time.Date(2024, 3, 11, 3, 30, 7, 0, newYork) // a day after the clocks went forward
	for options, want := range map[string]string{
		"":                               "-20240311",
		"dateformat .%Y-%m-%d_%H%M%S":    ".2024-03-11_033007",
		"dateformat -%s":                 "-1710142207",
		"dateformat -%V%%%q":             "-11%%%q",
		"dateyesterday":                  "-20240310",
		"dateyesterday\ndateformat .%H":  ".12",
		"datehourago\ndateformat .%d-%H": ".11-02",
		"dateyesterday\ndatehourago\ndateformat %d%H": "1011",
	} {
		policy, _, err := logrotate.Parse(options, logrotate.Rules{})
		require.NoError(t, err)
		f := newDateFormat(policy)
		require.Equal(t, want, f.suffix(at), options)
		require.True(t, f.matches(want), options)
		require.False(t, f.matches(want+"0"), options)
		require.False(t, f.matches(want[1:]), options)
	}
}

// What a scheme makes it reads, and what it cannot have made it does not.
func TestPlaces(t *testing.T) {
	for _, c := range []struct {
		options string
		ours    map[string]Place
		others  []string
	}{
		{
			"rotate 3",
			map[string]Place{"stdout.1": {Plain: "stdout.1", Number: 1}, "stdout.12": {Plain: "stdout.12", Number: 12}},
			[]string{"stdout", "stdout.", "stdout.0", "stdout.01", "stdout.1.gz", "stdout.x", "stderr.1", "stdout-20240310", ".stdout.sluice-tmp.taken"},
		},
		{
			"rotate 3\ncompress\nstart 0\naddextension .log", map[string]Place{
				"stdout.0.log": {Plain: "stdout.0.log"}, "stdout.2.log.gz": {Plain: "stdout.2.log", Number: 2, Compressed: true},
			}, []string{"stdout.log", "stdout.1", "stdout.1.gz", "stdout.1.log.zst"},
		},
		{
			"rotate 3\ndateext\ncompress", map[string]Place{
				"stdout-20240310": {Plain: "stdout-20240310", Date: "-20240310"},
				"stdout-20240310.2.gz": {
					Plain: "stdout-20240310.2", Date: "-20240310", Counter: 2, Compressed: true,
				},
			}, []string{"stdout", "stdout-2024031", "stdout-20240310.0", "stdout-20240310.02", "stdout-20240310.x", "stdout.1"},
		},
	} {
		policy, _, err := logrotate.Parse(c.options, logrotate.Rules{})
		require.NoError(t, err)
		s := New(policy, "stdout")
		for name, want := range c.ours {
			got, ok := s.Place(name)
			require.True(t, ok, name)
			require.Equal(t, want, got)
			plain := s.Slot(got.Number)
			if s.Dated() {
				plain = s.Day(got.Date, got.Counter)
			}
			require.Equal(t, got.Plain, plain)
			if got.Compressed {
				require.Equal(t, name, s.Compressed(plain))
			}
		}
		for _, name := range c.others {
			_, ok := s.Place(name)
			require.False(t, ok, "%s: %s", c.options, name)
		}
	}
}

func TestYoungest(t *testing.T) {
	policy, _, err := logrotate.Parse("rotate 3", logrotate.Rules{})
	require.NoError(t, err)
	s := New(policy, "stdout")
	var all, some Youngest
	for _, number := range []int{7, 1, 5, 3} {
		name := s.Slot(number)
		at, ok := s.Place(name)
		require.True(t, ok)
		all.Keep(name, at, 0)
		some.Keep(name, at, 2)
	}
	names := func(y Youngest) (names []string) {
		require.NoError(t, y.Each(func(name string) error { names = append(names, name); return nil }))
		return names
	}
	require.ElementsMatch(t, []string{"stdout.1", "stdout.3", "stdout.5", "stdout.7"}, names(all))
	require.ElementsMatch(t, []string{"stdout.1", "stdout.3"}, names(some))
}
