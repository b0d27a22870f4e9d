package logrotate

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

// FuzzParse: whatever the text, reading it ends, says where it is wrong in words
// that are safe to log, and what it accepts leads nowhere else and reads the same
// when it is shown.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"rotate 4\ncompress\ndelaycompress", "rotate=0x2 # two", "dateext\ndateformat -%Y%m%d.%s\nmaxage 3",
		"olddir /sandbox/old\ncreateolddir 0700 alice staff", "postrotate\n kill -1\n endscript\nsharedscripts",
		"compress\ncompresscmd xz\ncompressoptions -9 \"a b\"", "extension out\naddextension .log", "}\n\"/etc/passwd\" {",
		"size 10k\nminsize=1M\nmaxsize 1G\nweekly 7", "\r\n\x00", "su root root\ncreate 0644 root root\nmail x\nnomail",
		"copy\nnocopy\ncopytruncate\nrenamecopy", "errors shred frobnicate", "start 0\nrotate -1\nnotifempty",
	} {
		for kind := range uint8(16) {
			f.Add(text, kind)
		}
	}
	f.Fuzz(func(t *testing.T, text string, kind uint8) {
		rules := Rules{Trust: Trust(kind & 1), AllowScripts: kind&2 != 0, User: "alice", Sandbox: "/sandbox"}
		if kind&4 != 0 {
			rules.Allowed, rules.LeaveOut = []string{"rotate", "compress", "postrotate"}, kind&8 != 0
		}
		policy, warnings, err := Parse(text, rules)
		for _, w := range warnings {
			requireLoggable(t, w.String())
		}
		if err != nil {
			requireLoggable(t, err.Error())
			var parseError *Error
			require.ErrorAs(t, err, &parseError)
			require.Equal(t, Policy{}, policy)
			return
		}
		requireConfined(t, policy, rules)
		var b strings.Builder
		for _, line := range policy.Lines() {
			b.WriteString(line.Text + "\n")
		}
		rules.Allowed = nil // what is shown has defaults that no text asked for
		again, _, err := Parse(b.String(), rules)
		require.NoError(t, err, b.String())
		policy.lines, policy.RotateSet = again.lines, true
		require.Equal(t, policy, again, b.String())
	})
}

func requireLoggable(t *testing.T, message string) {
	require.NotEmpty(t, message)
	require.Less(t, len(message), 4096)
	for _, r := range message {
		require.True(t, unicode.IsPrint(r), "%q", message)
	}
}

// requireConfined: no name can lead to another directory, and no command slips in.
func requireConfined(t *testing.T, p Policy, rules Rules) {
	for _, part := range []string{p.DateFormat, p.Extension, p.AddExtension, p.Compressor.Ext} {
		require.NotContains(t, part, "/")
		require.NotContains(t, part, "\x00")
	}
	require.False(t, strings.HasPrefix(p.OldDir, "/") || strings.Contains("/"+p.OldDir+"/", "/../"), p.OldDir)
	require.False(t, p.CopyTruncate && p.RenameCopy)
	if !rules.AllowScripts {
		require.False(t, p.Scripts.Any() || p.Compressor.External)
	}
	if rules.Trust == Task && rules.Allowed != nil {
		for _, line := range p.Lines() {
			require.Contains(t, append([]string{"compressext"}, rules.Allowed...), line.Directive)
		}
	}
	if rules.Trust == Task {
		require.Contains(t, []string{"", "alice"}, p.Create.Owner)
		require.Contains(t, []string{"", "alice"}, p.CreateOldDir.Owner)
	}
}
