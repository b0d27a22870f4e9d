package logrotate

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatATaskMayNotSay(t *testing.T) {
	rules := Rules{Trust: Task, User: "alice", Sandbox: "/sandboxes/1"}
	for text, want := range map[string]string{
		"rotate 9\ncompress\ndateext":     "",
		"olddir /sandboxes/1/old":         "",
		"create 600 alice":                "",
		"su alice users":                  "",
		"create 600 root\nnocreate":       "",
		"compress\ncompresscmd gzip":      "",
		"compresscmd /tmp/evil":           "",
		"postrotate\nrm -rf /\nendscript": `line 1, column 1: "postrotate": a script runs commands on the agent, which a task may not unless the operator sets allow_task_scripts; expected the text without scripts`,
		"compress\ncompresscmd /tmp/evil": `line 2, column 13: "/tmp/evil": an external compressor runs commands on the agent, which a task may not unless the operator sets allow_task_scripts; expected gzip, zstd, xz or bzip2, which are built in`,
		"create 600 root":                 `line 1, column 12: "root": a task can give files to its own user only; expected "alice", or no owner`,
		"createolddir 700 root root":      `line 1, column 18: "root": a task can give files to its own user only; expected "alice", or no owner`,
		"su root root":                    `line 1, column 4: "root": files are handled with the rights of the task's user and no other; expected "alice", or no owner`,
		"olddir /sandboxes/2/old":         `line 1, column 8: "/sandboxes/2/old": olddir leads out of the sandbox; expected a directory beneath the sandbox`,
		"olddir /sandboxes/12":            `line 1, column 8: "/sandboxes/12": olddir leads out of the sandbox; expected a directory beneath the sandbox`,
		"olddir ~/x":                      `line 1, column 8: "~/x": olddir leads out of the sandbox; expected a directory beneath the sandbox`,
	} {
		policy, _, err := Parse(text, rules)
		if want == "" {
			require.NoError(t, err, text)
			continue
		}
		require.EqualError(t, err, want)
		require.Equal(t, Policy{}, policy)
	}
	require.Equal(t, "old", parseOne(t, "olddir /sandboxes/1/old", rules).OldDir)
}

func TestOperatorsNeedAllowScripts(t *testing.T) {
	_, _, err := Parse("prerotate\ntrue\nendscript", Rules{})
	require.EqualError(t, err, `line 1, column 1: "prerotate": a script runs commands on the agent, which the module parameter allow_scripts does not permit; expected the text without scripts`)
}

func TestAllowedDirectives(t *testing.T) {
	rules := Rules{Trust: Task, Allowed: []string{"rotate", "compress"}}
	_ = parseOne(t, "rotate 3\ncompress\n# dateext\nunknown", rules)
	_, _, err := Parse("rotate 3\ndateext", rules)
	require.EqualError(t, err, `line 2, column 1: "dateext": the operator does not let a task use this directive; expected only rotate, compress`)
	_ = parseOne(t, "rotate 3\nnocompress", rules)
	rules.Trust = Operator
	_ = parseOne(t, "rotate 3\ndateext", rules)
}

func TestDirectivesAreLeftOut(t *testing.T) {
	rules := Rules{Trust: Task, Allowed: []string{"rotate"}, LeaveOut: true}
	policy, warnings, err := Parse("compress\nprerotate\n  rotate 9\nendscript\nmail x\nrotate 3\ncopy", rules)
	require.NoError(t, err)
	require.Equal(t, parseOne(t, "rotate 3", rules).Lines()[0].Text, policy.Lines()[0].Text)
	require.Len(t, policy.Lines(), 1)
	var texts []string
	for _, w := range warnings {
		texts = append(texts, w.String())
	}
	const left = "left out: the operator does not let a task use this directive"
	require.Equal(t, []string{
		`line 1: "compress": ` + left, `line 2: "prerotate": ` + left,
		`line 5: "mail": ` + left, `line 7: "copy": ` + left,
	}, texts)
	_, _, err = Parse("rotate 3\nmaxage x", rules)
	require.EqualError(t, err, `line 2, column 8: "x": bad value of maxage; expected a whole number of days, 0 for no limit`)
}

func TestSplitWords(t *testing.T) {
	for text, want := range map[string][]string{
		"":                nil,
		" -9  -n ":        {"-9", "-n"},
		`a"b c"d 'e  f'`:  {"ab cd", "e  f"},
		`"a\"b" c\ d '\'`: nil,
		`"" x`:            {"", "x"},
	} {
		words, ok := SplitWords(text)
		if want == nil && text != "" {
			require.False(t, ok, text)
			continue
		}
		require.True(t, ok, text)
		require.Equal(t, want, words, text)
	}
}
