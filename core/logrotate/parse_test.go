package logrotate

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// operator may say everything.
var operator = Rules{AllowScripts: true}

func parseOne(t *testing.T, text string, rules Rules) Policy {
	policy, _, err := Parse(text, rules)
	require.NoError(t, err)
	return policy
}

func TestEmptyTextIsTheLanguagesDefault(t *testing.T) {
	for _, text := range []string{"", "\n", "# only a comment", "  \t\n"} {
		policy, warnings, err := Parse(text, Rules{})
		require.NoError(t, err)
		require.Empty(t, warnings)
		require.Equal(t, Policy{Start: 1, Compressor: Compressor{Program: "gzip", Ext: ".gz"}}, policy)
	}
}

func TestDirectives(t *testing.T) {
	for text, want := range map[string]func(*Policy){
		"rotate 4":                   func(p *Policy) { p.Rotate, p.RotateSet = 4, true },
		"rotate -1":                  func(p *Policy) { p.Rotate, p.RotateSet = -1, true },
		"rotate 010":                 func(p *Policy) { p.Rotate, p.RotateSet = 8, true },
		"rotate=0x2":                 func(p *Policy) { p.Rotate, p.RotateSet = 2, true },
		"rotate = \t3  \r":           func(p *Policy) { p.Rotate, p.RotateSet = 3, true },
		"rotate 5\nrotate 2":         func(p *Policy) { p.Rotate, p.RotateSet = 2, true },
		"start 0":                    func(p *Policy) { p.Start = 0 },
		"compress # why not":         func(p *Policy) { p.Compress = true },
		"compress delaycompress":     func(p *Policy) { p.Compress, p.DelayCompress = true, true },
		"compress rotate 2":          func(p *Policy) { p.Compress, p.Rotate, p.RotateSet = true, 2, true },
		"compress\nnocompress":       func(*Policy) {},
		"compress=\ndateext":         func(p *Policy) { p.Compress, p.DateExt = true, true },
		"dateext\ndateformat .%s":    func(p *Policy) { p.DateExt, p.DateFormat = true, ".%s" },
		"dateyesterday\ndatehourago": func(p *Policy) { p.DateYesterday, p.DateHourAgo = true, true },
		"extension \"out\"":          func(p *Policy) { p.Extension = `"out"` },
		"addextension .a b":          func(p *Policy) { p.AddExtension = ".a b" },
		"olddir sub/../old/":         func(p *Policy) { p.OldDir = "old" },
		"olddir /no\nnoolddir":       func(*Policy) {},
		"olddir .":                   func(*Policy) {},
		"maxage 7":                   func(p *Policy) { p.MaxAge = 7 * Day },
		"maxsize 2k":                 func(p *Policy) { p.MaxSizeBytes = 2048 },
		"maxsize 0x10M":              func(p *Policy) { p.MaxSizeBytes = 16 << 20 },
		"notifempty":                 func(p *Policy) { p.NotIfEmpty = true },
		"copytruncate\nrenamecopy":   func(p *Policy) { p.RenameCopy = true },
		"copy\nnocopy":               func(*Policy) {},
		"mail a@b\nnomail":           func(*Policy) {},
		"weekly":                     func(p *Policy) { p.Every = Weekly },
		"daily\nweekly 3":            func(p *Policy) { p.Every, p.Weekday = Weekly, 3 },
		"create 640 alice staff": func(p *Policy) {
			p.Create = Creation{On: true, Mode: 0o640, ModeSet: true, Owner: "alice", Group: "staff"}
		},
		"create 4755":                  func(p *Policy) { p.Create = Creation{On: true, Mode: 0o755, ModeSet: true} },
		"create 600\nnocreate\ncreate": func(p *Policy) { p.Create = Creation{On: true, Mode: 0o600, ModeSet: true} },
		"create alice":                 func(p *Policy) { p.Create = Creation{On: true, Owner: "alice"} },
		"create 600\nnocreate":         func(*Policy) {},
		"createolddir":                 func(p *Policy) { p.CreateOldDir = Creation{On: true} },
		"compress\ncompresscmd /usr/bin/zstd\ncompressoptions -19": func(p *Policy) {
			p.Compress, p.Compressor = true, Compressor{Program: "zstd", Ext: ".zst", Level: 19, Options: "-19"}
		},
		"compress\ncompressext .z\ncompresscmd xz": func(p *Policy) {
			p.Compress, p.Compressor = true, Compressor{Program: "xz", Ext: ".xz"}
		},
		"compress\ncompressext .z\ncompresscmd /bin/compress": func(p *Policy) {
			p.Compress, p.Compressor = true, Compressor{Program: "/bin/compress", External: true, Ext: ".Z"}
		},
		"compress\ncompressoptions --best -n": func(p *Policy) {
			p.Compress, p.Compressor.Level, p.Compressor.Options = true, 9, "--best -n"
		},
		"compresscmd xz":                       func(*Policy) {},
		"postrotate\n  a\n endscript":          func(p *Policy) { p.Scripts.PostRotate = "\n  a\n" },
		"postrotate a\nendscript":              func(p *Policy) { p.Scripts.PostRotate = " a\n" },
		"prerotate\nendscript\nsharedscripts":  func(p *Policy) { p.Scripts = Scripts{PreRotate: "\n", Shared: true} },
		"lastaction\na\nendscript1 compress":   func(p *Policy) { p.Scripts.LastAction, p.Compress = "\na\n", true },
		"errors compress":                      func(p *Policy) { p.Compress = true },
		"size=\nhourly":                        func(p *Policy) { p.Every = Hourly },
		"su root root\nshred\nmissingok\nsize": func(*Policy) {},
	} {
		want0 := defaults()
		want(&want0)
		got := parseOne(t, text, operator)
		got.lines = [renderedCount]int32{}
		require.Equal(t, want0, got, text)
	}
}

func TestErrorsSayWhereAndWhat(t *testing.T) {
	for text, want := range map[string]string{
		"rotate 2\nrotate five":        `line 2, column 8: "five": bad value of rotate; expected a whole number of files to keep, 0 for none, -1 for all`,
		"rotate":                       `line 1, column 1: "rotate": the value is missing; expected a whole number of files to keep, 0 for none, -1 for all`,
		"rotate 08":                    `line 1, column 8: "08": bad value of rotate: what begins with 0 is octal, which has no 8 and 9; expected a whole number of files to keep, 0 for none, -1 for all`,
		"  rotate 2 compress":          `line 1, column 10: "2 compress": bad value of rotate: a value runs to the end of its line; "compress" needs a line of its own; expected a whole number of files to keep, 0 for none, -1 for all`,
		"rotate5":                      `line 1, column 7: "5": follows the directive "rotate" without a space; expected white space or "=" between a directive and its value`,
		"start -1":                     `line 1, column 7: "-1": bad value of start; expected the number of the youngest rotated file, 0 or more`,
		"size 10m":                     `line 1, column 6: "10m": bad value of size: here that is written 10M; expected a whole number of bytes, or one with k, M or G`,
		"maxsize 9999999999G":          `line 1, column 9: "9999999999G": bad value of maxsize: the number is too large; expected a whole number of bytes, or one with k, M or G`,
		"weekly 8":                     `line 1, column 8: "8": bad value of weekly; expected a day of the week from 0 (Sunday) to 6, or 7 for any`,
		"\r\ncompress":                 `line 1, column 1: a carriage return on a line of its own; expected lines that end in a newline, or no empty lines`,
		"compress\n\x1b[31m":           `line 2, column 1: "\x1b[31m": a line must begin with a directive; expected a letter, or # for a comment`,
		"compress\n}":                  `line 2, column 1: "}": braces would end the section of this log; expected directives only, without braces`,
		"/etc/passwd":                  `line 1, column 1: "/etc/passwd": a file name cannot stand here: the policy is for one file; expected directives only`,
		"extension /../../x":           `line 1, column 11: "/../../x": a slash would lead to another directory; expected a part of a file name`,
		"dateformat /%Y":               `line 1, column 12: "/%Y": a slash would lead to another directory; expected a part of a file name`,
		"dateformat %s%s%s":            `line 1, column 12: "%s%s%s": the date format is too long; expected fewer fields`,
		"compress\ncompressext ../x":   `line 2, column 13: "../x": cannot be the ending of a file name; expected at most 100 bytes without a slash, as .gz`,
		"olddir ../x":                  `line 1, column 8: "../x": olddir leads out of the sandbox; expected a directory beneath the sandbox`,
		"olddir /var/log":              `line 1, column 8: "/var/log": an absolute olddir cannot be beneath every sandbox; expected a relative path, as olddir old`,
		"olddir a b":                   `line 1, column 8: "a b": bad path; expected one word without blanks and control characters`,
		"copy":                         `line 1, column 1: "copy": not supported: the live file would never shrink; expected copytruncate, or no directive: both leave the same files and keep their limit`,
		"mail root":                    `line 1, column 1: "mail": not supported: the logger sends no mail; expected the text without it`,
		"include /etc/shadow":          `line 1, column 1: "include": not supported: it would read files of the agent as configuration; expected the directives themselves`,
		"postrotate\ntrue":             `line 1, column 1: "postrotate": the script does not end; expected a line with endscript behind it`,
		"postrotate endscript":         `line 1, column 12: "endscript": on the line of the script's keyword; expected endscript on a line of its own`,
		"create 600 a b c":             `line 1, column 8: "600 a b c": too many values of create; expected [mode] [owner] [group]`,
		"create 600 nobody nobody":     ``,
		"su root":                      `line 1, column 4: "root": bad value of su; expected a user and a group`,
		"compress\ncompressoptions -0": `line 2, column 17: "-0": not an option of the built-in gzip; expected a level from -1 to -9, --fast or --best, or what changes nothing for a reader, as -q`,
		"compressoptions":              `line 1, column 1: "compressoptions": the value is missing; expected words with balanced quotes`,
		"size 0x1f":                    `line 1, column 6: "0x1f": bad value of size; expected a whole number of bytes, or one with k, M or G`,
		"compressoptions 'a":           `line 1, column 17: "'a": bad value of compressoptions; expected words with balanced quotes`,
		"a\x00":                        `line 1, column 2: "\x00": a NUL byte; expected text`,
	} {
		_, _, err := Parse(text, operator)
		if want == "" {
			require.NoError(t, err, text)
			continue
		}
		require.EqualError(t, err, want)
		var parseError *Error
		require.ErrorAs(t, err, &parseError)
	}
}

func TestUnknownOwners(t *testing.T) {
	rules := Rules{
		KnownUser:  func(name string) (bool, error) { return name == "alice", nil },
		KnownGroup: func(name string) (bool, error) { return name == "staff", nil },
	}
	_ = parseOne(t, "create 600 alice staff", rules)
	_, _, err := Parse("create 600 bob staff", rules)
	require.EqualError(t, err, `line 1, column 12: "bob": unknown user; expected a user of this machine, by name or number`)
	_, _, err = Parse("createolddir alice wheel", rules)
	require.EqualError(t, err, `line 1, column 20: "wheel": unknown group; expected a group of this machine, by name or number`)
}

func TestTextsAreBounded(t *testing.T) {
	_, _, err := Parse(strings.Repeat("#", MaxTextBytes+1), operator)
	require.EqualError(t, err, "line 1, column 1: the text has 65537 bytes; expected at most 65536")
	_, warnings, err := Parse(strings.Repeat("x\n", MaxTextBytes/2), operator)
	require.NoError(t, err)
	require.Len(t, warnings, maxWarnings)
}

func TestWarnings(t *testing.T) {
	_, warnings, err := Parse("Compress\nrotat 5\nfrobnicate\x1b 7\nsize 10k\ndelaycompress\ndateformat\n", operator)
	require.EqualError(t, err, `line 3, column 11: "\x1b": follows the directive "frobnicate" without a space; expected white space or "=" between a directive and its value`)
	require.Len(t, warnings, 5, "what is wrong does not hide what follows")
	_, warnings, err = Parse("Compress\nrotat 5\nsize 10k\ndelaycompress\ndateformat\n", operator)
	require.NoError(t, err)
	var texts []string
	for _, w := range warnings {
		texts = append(texts, w.String())
	}
	require.Equal(t, []string{
		`line 1: "Compress": unknown directive; the line is ignored; did you mean "compress"?`,
		`line 2: "rotat": unknown directive; the line is ignored; did you mean "rotate"?`,
		`line 3: "size": without effect: the limit of the live file is set by max_stdout_size or max_stderr_size`,
		`line 5: "dateformat": the value is missing; the default -%Y%m%d is used`,
		`line 4: "delaycompress": without effect unless "compress" is given too`,
	}, texts)
}

func TestLimit(t *testing.T) {
	require.Equal(t, int64(100), parseOne(t, "maxsize 100", operator).LimitBytes(4096))
	require.Equal(t, int64(4096), parseOne(t, "maxsize 1M", operator).LimitBytes(4096))
	require.Equal(t, int64(4096), parseOne(t, "", operator).LimitBytes(4096))
}
