package logrotate

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestProgramsOfTheWild: programs that write the format of a built-in method need none
// of them, and options that change nothing for a reader are no reason to refuse a text.
func TestProgramsOfTheWild(t *testing.T) {
	for text, want := range map[string]Compressor{
		"compresscmd /usr/bin/pigz\ncompressoptions -p 4 -9":         {Program: "gzip", Level: 9, Ext: ".gz", Options: "-p 4 -9"},
		"compresscmd pigz\ncompressoptions -9p4":                     {Program: "gzip", Level: 9, Ext: ".gz", Options: "-9p4"},
		"compresscmd pigz\ncompressoptions -11 --processes=2":        {Program: "gzip", Level: 9, Ext: ".gz", Options: "-11 --processes=2"},
		"compressoptions -q -f --rsyncable -9n":                      {Program: "gzip", Level: 9, Ext: ".gz", Options: "-q -f --rsyncable -9n"},
		"compressoptions --best":                                     {Program: "gzip", Level: 9, Ext: ".gz", Options: "--best"},
		"compresscmd nice gzip":                                      {Program: "gzip", Ext: ".gz"},
		"compresscmd nice -n 19 gzip -7":                             {Program: "gzip", Level: 7, Ext: ".gz", Options: "-7"},
		"compresscmd /usr/bin/nice\ncompressoptions -n19 zstd -12":   {Program: "zstd", Level: 12, Ext: ".zst", Options: "-12"},
		"compresscmd ionice -c3 nice -19 /usr/bin/xz -e":             {Program: "xz", Ext: ".xz", Options: "-e"},
		"compresscmd zstd\ncompressoptions -T0 --long -19":           {Program: "zstd", Level: 19, Ext: ".zst", Options: "-T0 --long -19"},
		"compresscmd zstd\ncompressoptions -7T0 -q -f --rm":          {Program: "zstd", Level: 7, Ext: ".zst", Options: "-7T0 -q -f --rm"},
		"compresscmd zstd\ncompressoptions --ultra -22 --long=31":    {Program: "zstd", Level: 22, Ext: ".zst", Options: "--ultra -22 --long=31"},
		"compresscmd zstd\ncompressoptions --threads=4 --fast=3":     {Program: "zstd", Level: 1, Ext: ".zst", Options: "--threads=4 --fast=3"},
		"compresscmd pzstd\ncompressext .zst":                        {Program: "zstd", Ext: ".zst"},
		"compresscmd pzstd\ncompressoptions -p 2":                    {Program: "zstd", Ext: ".zst", Options: "-p 2"},
		"compresscmd /usr/bin/xz\ncompressoptions -9e -T2":           {Program: "xz", Level: 9, Ext: ".xz", Options: "-9e -T2"},
		"compresscmd /bin/bzip2\nuncompresscmd bunzip2":              {Program: "bzip2", Ext: ".bz2"},
		"compresscmd pbzip2\ncompressext .bz2\ncompressoptions -p2v": {Program: "bzip2", Ext: ".bz2", Options: "-p2v"},
	} {
		policy, warnings, err := Parse("compress\n"+text, Rules{Trust: Task})
		require.NoError(t, err, text)
		require.Equal(t, want, policy.Compressor, text)
		for _, w := range warnings {
			require.Contains(t, w.Text, "without effect", text)
		}
	}
}

func TestOptionsThatChangeSomething(t *testing.T) {
	for text, bad := range map[string]string{
		"compressoptions -d":                              "-d",
		"compressoptions -9x":                             "-9x",
		"compressoptions -S .z":                           "-S",
		"compressoptions 9":                               "9",
		"compressoptions -":                               "-",
		"compresscmd zstd\ncompressoptions -D dictionary": "-D",
		"compresscmd zstd\ncompressoptions -23":           "-23",
		"compresscmd zstd\ncompressoptions --format=gzip": "--format=gzip",
		"compresscmd xz\ncompressoptions --format=lzma":   "--format=lzma",
		"compresscmd bzip2\ncompressoptions -0":           "-0",
		"compresscmd pigz\ncompressoptions -z":            "-z",
	} {
		_, _, err := Parse("compress\n"+text, operator)
		require.Len(t, All(err), 1, text)
		require.Equal(t, bad, All(err)[0].Word, text)
	}
}

// TestWhatIsIdleIsSaid names the options that do nothing here, once.
func TestWhatIsIdleIsSaid(t *testing.T) {
	_, warnings, err := Parse("compress\ncompresscmd zstd\ncompressoptions -19 -T0 --long -q", Rules{})
	require.NoError(t, err)
	require.Len(t, warnings, 1)
	require.Equal(t, `line 3: "-T0 --long": without effect: compression runs beside the logger, with one thread, `+
		`and leaves what every reader of the format can read`, warnings[0].String())
}

// TestATasksCommandIsLeftOut where the operator wants wishes lowered instead of refused.
func TestATasksCommandIsLeftOut(t *testing.T) {
	rules := Rules{Trust: Task, LeaveOut: true, User: "alice", Sandbox: "/s"}
	policy, warnings, err := Parse("rotate 5\ncompress\npostrotate\n/bin/true\nendscript\ncompresscmd /usr/bin/lz4\ncompressoptions -9\n"+
		"create 0600 root adm\nsu root root", rules)
	require.NoError(t, err)
	require.False(t, policy.Scripts.Any())
	require.Equal(t, defaults().Compressor, policy.Compressor)
	require.Equal(t, Creation{On: true, Mode: 0o600, ModeSet: true, Owner: "alice", Group: "adm"}, policy.Create)
	var words []string
	for _, w := range warnings {
		words = append(words, w.Word)
		require.Contains(t, w.Text, "left out")
	}
	require.Equal(t, []string{"postrotate", "su", "create", "compresscmd"}, words)
	_, _, err = Parse("postrotate\n/bin/true", rules)
	require.Error(t, err, "what makes no sense is refused all the same")
}

// TestAnOperatorsOwnersHoldForTheirOwnTasks: one text is for the tasks of all users.
func TestAnOperatorsOwnersHoldForTheirOwnTasks(t *testing.T) {
	const text = "su root root\ncreate 0640 root adm\ncreateolddir 0700 root root\nolddir old"
	_, warnings, err := Parse(text, Rules{})
	require.NoError(t, err)
	require.Len(t, warnings, 3, "told when the text is read first")
	own := Creation{On: true, Mode: 0o640, ModeSet: true, Owner: "root", Group: "adm"}
	for user, owner := range map[string]string{"root": "root", "": "root", "0": "root", "alice": "alice"} {
		policy, _, err := Parse(text, Rules{User: user, Sandbox: "/s"})
		require.NoError(t, err)
		own.Owner = owner
		require.Equal(t, own, policy.Create, user)
		require.Equal(t, owner, policy.CreateOldDir.Owner, user)
	}
}

// TestAForgivenTextKeepsTheRest: only what is wrong is left out.
func TestAForgivenTextKeepsTheRest(t *testing.T) {
	const good = "rotate 9\ncompress\nmaxsize 1M\n"
	want := parseOne(t, good, Rules{})
	for _, bad := range []string{
		"postrotate\nkill -HUP 1\nrotate 1\nendscript", "mail root", "copy", "olddir /var/log/old", "olddir ../x", "rotate x", "maxage 7 # a week",
		"include /etc/logrotate.d", "}", "/var/log/x {", "compresscmd lz4", "compressoptions -d", "compressoptions 'a",
		"dateext\nnodateext\nextension a/b", "create 0640 nobody nogroup x", "dateformat %s%s%s", "prerotate", "\r\n",
	} {
		policy, warnings, err := Parse(good+bad+"\n", Rules{Forgive: true})
		require.NoError(t, err, bad)
		require.NotEmpty(t, warnings, bad)
		require.Contains(t, warnings[len(warnings)-1].Text, "left out: ", bad)
		want.lines = policy.lines
		require.Equal(t, want, policy, bad)
	}
}
