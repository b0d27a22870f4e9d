package rotation

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sluice/core/logrotate"
	"sluice/core/rotation/casefile"
	"sluice/core/sandbox"
	"sluice/core/seriesname"
)

// planned gives the steps for a directory that holds the names; those behind "?" wait
// for their compression.
func planned(t *testing.T, options string, names ...string) []string {
	policy, _, err := logrotate.Parse(options, logrotate.Rules{AllowScripts: true})
	require.NoError(t, err)
	v := view{
		live:  sandbox.Info{Name: "stdout", Inode: 100, Links: 1},
		files: map[string]sandbox.Info{}, pending: map[string]bool{}, held: map[string]sandbox.Info{},
	}
	now := time.Date(2024, 3, 10, 12, 0, 0, 0, time.UTC)
	for i, name := range names {
		name, waits := strings.CutPrefix(name, "?")
		info := sandbox.Info{Name: name, Inode: uint64(i + 1), Links: 1, ModTime: now.Add(-time.Hour)}
		v.files[name], v.pending[name] = info, waits
	}
	steps := plan(v, seriesname.New(policy, "stdout"), policy, now)
	var texts []string
	for _, s := range steps {
		texts = append(texts, s.String())
	}
	return texts
}

func TestPlans(t *testing.T) {
	for _, c := range []struct {
		options string
		names   []string
		want    []string
	}{
		{"rotate 2", nil, []string{`move "stdout" to "stdout.1"`}},
		{"rotate 2", []string{"stdout.1", "stdout.2", "stdout.3"}, []string{
			`remove "stdout.3"`, `remove "stdout.2"`, `take "stdout" to ".stdout.sluice-tmp.taken"`,
			`shift "stdout.1" to "stdout.2"`, `put "stdout" to "stdout.1"`,
		}},
		{"rotate 0", nil, []string{`remove-live "stdout"`}},
		{"rotate 2\ncompress", []string{"stdout.1.gz", "stdout.2"}, []string{
			`take "stdout" to ".stdout.sluice-tmp.taken"`, `shift "stdout.1.gz" to "stdout.2.gz"`,
			`owe "stdout.1"`, `put "stdout" to "stdout.1"`,
		}},
		{"rotate 2\ncompress\ndelaycompress", []string{"stdout.1", "stdout.1.gz"}, []string{
			`displace "stdout.1.gz" to "stdout.1.gz-2024031012.backup"`, `owe "stdout.1"`,
			`take "stdout" to ".stdout.sluice-tmp.taken"`, `shift "stdout.1" to "stdout.2"`, `put "stdout" to "stdout.1"`,
		}},
		{"rotate 3\ncompress", []string{"?stdout.1", "stdout.2"}, []string{
			`note-shift ""`, `hold "stdout.2"`, `shift "stdout.1" to "stdout.2"`, `owe "stdout.1"`,
			`move "stdout" to "stdout.1"`, `forget-shift ""`,
		}},
		{"rotate 1\ndateext", []string{"stdout-20240310"}, []string{
			`move "stdout" to "stdout-20240310.1"`, `remove "stdout-20240310"`,
		}},
		{"rotate 2\ndateext", []string{"stdout-20240308", "stdout-20240309", "stdout-20240310.7"}, []string{
			`remove "stdout-20240308"`, `remove "stdout-20240309"`, `move "stdout" to "stdout-20240310.8"`,
		}},
		{"rotate 1\npostrotate\nx\nendscript\npreremove\ny\nendscript", []string{"stdout.1"}, []string{
			`note-shift ""`, `shift "stdout.1" to "stdout.2"`, `note-removal ""`, `move "stdout" to "stdout.1"`,
			`forget-shift ""`, `script postrotate`, `remove "stdout.2"`, `forget-removal ""`,
		}},
		{"rotate 2\ncompress\nlastaction\nx\nendscript", nil, []string{
			`owe "stdout.1"`, `move "stdout" to "stdout.1"`, `compress "stdout.1"`, `script lastaction`,
		}},
		{"rotate 2\ncopytruncate\ncompress", []string{"stdout.1"}, []string{
			`displace "stdout.1" to "stdout.1-2024031012.backup"`, `owe "stdout.1"`, `move "stdout" to "stdout.1"`,
		}},
	} {
		require.Equal(t, c.want, planned(t, c.options, c.names...), "%s with %v", c.options, c.names)
	}
}

func TestManyFilesPlanOnlyWhatIsThere(t *testing.T) {
	steps := planned(t, "rotate -1", "stdout.2000000000", "stdout.1")
	require.Equal(t, []string{
		`note-shift ""`, `shift "stdout.2000000000" to "stdout.2000000001"`, `shift "stdout.1" to "stdout.2"`,
		`move "stdout" to "stdout.1"`, `forget-shift ""`,
	}, steps)
}

func TestDue(t *testing.T) {
	at := func(text string) time.Time {
		v, err := time.Parse(casefile.ClockLayout, text)
		require.NoError(t, err)
		return v
	}
	for _, c := range []struct {
		options, last, now string
		want               bool
	}{
		{"", "2020-01-01 00:00:00", "2024-03-10 12:00:00", false},
		{"hourly", "2024-03-10 12:00:00", "2024-03-10 12:59:59", false},
		{"hourly", "2024-03-10 12:59:59", "2024-03-10 13:00:00", true},
		{"hourly", "2024-03-10 12:59:59", "2024-03-10 11:00:00", false},
		{"hourly", "2024-03-11 13:00:00", "2024-03-10 12:00:00", false}, // 25 hours ahead
		{"hourly", "2024-03-11 13:00:01", "2024-03-10 12:00:00", true},
		{"daily", "2024-03-11 11:00:00", "2024-03-10 12:00:00", false},
		{"daily", "2038-01-19 03:14:08", "2024-03-10 12:00:00", true},
		{"weekly", "2024-03-12 12:00:00", "2024-03-10 12:00:00", true},
		{"yearly", "2024-03-12 12:00:00", "2024-03-10 12:00:00", true},
		{"", "2038-01-19 03:14:08", "2024-03-10 12:00:00", false},
		{"daily", "2024-03-10 00:00:00", "2024-03-10 23:59:59", false},
		{"daily", "2024-03-10 23:59:59", "2024-03-11 00:00:00", true},
		{"weekly", "2024-03-09 12:00:00", "2024-03-10 00:00:00", true}, // a Sunday
		{"weekly", "2024-03-10 00:00:00", "2024-03-10 23:00:00", false},
		{"weekly", "2024-03-10 12:00:00", "2024-03-16 12:00:00", false},
		{"weekly 7", "2024-03-10 23:00:00", "2024-03-17 00:00:00", true},
		{"weekly 3", "2024-03-10 12:00:00", "2024-03-13 00:00:00", true},
		{"monthly", "2024-03-10 12:00:00", "2024-03-31 23:00:00", false},
		{"monthly", "2024-03-31 23:00:00", "2024-04-01 00:00:00", true},
		{"yearly", "2024-03-31 23:00:00", "2024-12-31 00:00:00", false},
		{"yearly", "2024-12-31 23:00:00", "2025-01-01 00:00:00", true},
	} {
		policy, _, err := logrotate.Parse(c.options, logrotate.Rules{})
		require.NoError(t, err)
		got := due(policy.Every, policy.Weekday, at(c.now), at(c.last))
		require.Equal(t, c.want, got, "%+v", c)
	}
}
