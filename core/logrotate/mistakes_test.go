package logrotate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	files    = "; expected a whole number of files to keep, 0 for none, -1 for all"
	bytesOf  = "; expected a whole number of bytes, or one with k, M or G"
	parted   = "directives are parted by new lines, not by commas or semicolons"
	escaped  = "a backslash and an n stand where a new line belongs"
	comment  = "a value runs to the end of its line; a comment behind it needs a line of its own"
	blank    = `; expected white space or "=" between a directive and its value`
	daysWord = "; expected a day of the week from 0 (Sunday) to 6, or 7 for any"
)

// TestCommonMistakes are those that people make in public: each is told what it is.
func TestCommonMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"rotate 14 # two weeks":       `line 1, column 8: "14 # two weeks": bad value of rotate: ` + comment + files,
		"rotate 5 compress":           `line 1, column 8: "5 compress": bad value of rotate: a value runs to the end of its line; "compress" needs a line of its own` + files,
		`rotate 9\ncompress`:          `line 1, column 8: "9\\ncompress": bad value of rotate: ` + escaped + files,
		`compress\nrotate 9`:          `line 1, column 9: "\\": follows the directive "compress" without a space: ` + escaped + blank,
		"rotate 5;compress":           `line 1, column 8: "5;compress": bad value of rotate: ` + parted + files,
		"rotate 5, compress":          `line 1, column 8: "5, compress": bad value of rotate: ` + parted + files,
		"rotate=5;compress":           `line 1, column 8: "5;compress": bad value of rotate: ` + parted + files,
		"compress; rotate 5":          `line 1, column 9: ";": follows the directive "compress" without a space: ` + parted + blank,
		"rotate: 5":                   `line 1, column 7: ":": follows the directive "rotate" without a space: a value follows a space or "=", not a colon` + blank,
		`rotate "5"`:                  `line 1, column 8: "\"5\"": bad value of rotate: values stand without quotes` + files,
		"rotate 99999999999999999999": `line 1, column 8: "99999999999999999999": bad value of rotate: the number is too large` + files,
		"rotate 9999999999":           `line 1, column 8: "9999999999": bad value of rotate: the number is too large, at most 1073741823` + files,
		"rotate 018":                  `line 1, column 8: "018": bad value of rotate: what begins with 0 is octal, which has no 8 and 9` + files,
		"maxsize 10MB":                `line 1, column 9: "10MB": bad value of maxsize: here that is written 10M` + bytesOf,
		"size 100 kb":                 `line 1, column 6: "100 kb": bad value of size: here that is written 100k` + bytesOf,
		"weekly Mon":                  `line 1, column 8: "Mon": bad value of weekly: that day is 1` + daysWord,
		"compress 9":                  `line 1, column 10: "9": follows "compress", which takes no value; expected another directive, or the end of the line`,
		"create 0640 a b # c":         `line 1, column 8: "0640 a b # c": too many values of create: ` + comment + `; expected [mode] [owner] [group]`,
		"su root root # c":            `line 1, column 4: "root root # c": bad value of su: ` + comment + `; expected a user and a group`,
		"olddir old # c":              `line 1, column 8: "old # c": bad path: ` + comment + `; expected one word without blanks and control characters`,
		"rotate\u00a05":               `line 1, column 7: "\u00a0" (U+00A0 is a no-break space): follows the directive "rotate" without a space` + blank,
		"rotate 5\u200b":              `line 1, column 8: "5\u200b" (U+200B is a zero-width space): bad value of rotate` + files,
		"\ufeffrotate 5":              `line 1, column 1: "\ufeffrotate 5" (U+FEFF is a byte order mark): a line must begin with a directive; expected a letter, or # for a comment`,
		"rotate \u20131":              `line 1, column 8: "–1" (U+2013 is a dash, not -): bad value of rotate` + files,
		"rotateä":                     `line 1, column 7: "ä": follows the directive "rotate" without a space` + blank,
		"# \xe4":                      `line 1, column 3: "\xe4": not in UTF-8; expected text in UTF-8, also in comments`,
	} {
		_, _, err := Parse(text, operator)
		require.EqualError(t, err, want)
	}
}

// TestEveryMistakeIsTold: one that is wrong does not hide another, and no error is made
// of what belongs to a value or script that is refused.
func TestEveryMistakeIsTold(t *testing.T) {
	text := "rotate five\ncompress\nmaxage x\npostrotate\n  rotate 1\n  }\nendscript\nolddir ../x\ncreate 0640 nobody x y\nmail a@b\n"
	_, _, err := Parse(text, Rules{})
	var lines []string
	for _, one := range All(err) {
		lines = append(lines, fmt.Sprintf("%d:%d %s", one.Line, one.Column, one.Word))
	}
	require.Equal(t, []string{"1:8 five", "3:8 x", "4:1 postrotate", "8:8 ../x", "9:8 0640 nobody x y", "10:1 mail"}, lines)
	var several Errors
	require.ErrorAs(t, err, &several)
	require.Equal(t, 4, strings.Count(err.Error(), "; also line "))
	require.True(t, strings.HasSuffix(err.Error(), "; and 1 more"), err.Error())

	_, _, err = Parse(strings.Repeat("}\n", MaxTextBytes/2), Rules{})
	require.Len(t, All(err), maxErrors, "bounded")
}

func TestTheColumnIsThatOfTheWord(t *testing.T) {
	for _, text := range []string{
		"compress\ncompressoptions -1  -8 --bad", "create 0640 alice nogroup1", "create 640  bob", "su alice  nogroup1",
		"createolddir 0700 alice  nogroup1", "compress compresscmd  nice -n 5 gzip --bad",
	} {
		rules := Rules{
			KnownUser:  func(name string) (bool, error) { return name == "alice", nil },
			KnownGroup: func(string) (bool, error) { return false, nil },
		}
		_, _, err := Parse(text, rules)
		for _, one := range All(err) {
			line := strings.Split(text, "\n")[one.Line-1]
			require.True(t, strings.HasPrefix(line[one.Column-1:], one.Word), "%s: %v", text, one)
		}
		require.Error(t, err, text)
	}
}

func TestWarningsOfWhatWasHardlyMeant(t *testing.T) {
	for text, want := range map[string]string{
		"rotate 010":               `line 1: "rotate": 010 begins with 0 and is octal: it means 8`,
		"maxsize 0100k":            `line 1: "maxsize": 0100 begins with 0 and is octal: it means 64`,
		"extension .log # kept":    `line 1: "extension": its value is the whole rest of the line: ` + comment,
		`dateformat -%Y\ncompress`: `line 1: "dateformat": its value is the whole rest of the line: ` + escaped,
		`dateformat "-%Y%m%d"`:     `line 1: "dateformat": the quotes are part of the value`,
		"compress yes":             `line 1: "yes": unknown directive; the line is ignored; "compress" takes no value`,
		"compress no":              `line 1: "no": unknown directive; the line is ignored; "compress" takes no value and is in force: the opposite is "nocompress"`,
		"tabooext + .swp":          `line 1: "tabooext": without effect: it is about files of configuration, and this policy is for one log`,
		"su root root":             `line 1: "su": without effect: files are handled with the rights of the task's user`,
	} {
		_, warnings, err := Parse(text, Rules{})
		require.NoError(t, err, text)
		require.NotEmpty(t, warnings, text)
		require.Equal(t, want, warnings[0].String())
	}
	for _, text := range []string{"rotate 07", "rotate 00", "compress # yes", "dateformat -%Y", "maxage 0"} {
		_, warnings, err := Parse(text, Rules{})
		require.NoError(t, err)
		require.Empty(t, warnings, text)
	}
}

// TestNothingSuggestsTheOpposite goes through everything that one slip makes of a
// directive with an opposite.
func TestNothingSuggestsTheOpposite(t *testing.T) {
	for _, name := range Vocabulary() {
		plain, negative := strings.CutPrefix(name, "no")
		if !negative || !isDirective(plain) && !isDirective("if"+strings.TrimPrefix(plain, "tif")) {
			continue
		}
		for i := range name {
			slip := name[:i] + name[i+1:]
			if isDirective(slip) {
				continue
			}
			hint := nearestHint(slip)
			require.NotContains(t, hint, fmt.Sprintf("%q", plain), slip)
		}
		for i := range plain {
			slip := plain[:i] + plain[i+1:]
			if !isDirective(slip) {
				require.NotContains(t, nearestHint(slip), fmt.Sprintf("%q", name), slip)
			}
		}
	}
	require.Equal(t, `; did you mean "nocompress"?`, nearestHint("nocompres"))
	require.Equal(t, `; "daily" has no opposite`, nearestHint("nodaily"))
	require.Empty(t, nearestHint("x"))
	require.Empty(t, nearestHint("frobnicate"))
	require.Equal(t, `; did you mean "rotate"?`, nearestHint("ROTATE"))
}

// TestUsersAreLookedUpOnce: a name service may take its time over every answer.
func TestUsersAreLookedUpOnce(t *testing.T) {
	asked := map[string]int{}
	rules := Rules{
		KnownUser:  func(name string) (bool, error) { asked["u"+name]++; return true, nil },
		KnownGroup: func(name string) (bool, error) { asked["g"+name]++; return true, nil },
	}
	_, _, err := Parse(strings.Repeat("su nobody nogroup\ncreate 600 nobody nogroup\n", 1000), rules)
	require.NoError(t, err)
	require.Equal(t, map[string]int{"unobody": 1, "gnogroup": 1}, asked)

	var text strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&text, "su u%d g\n", i)
	}
	clear(asked)
	_, _, err = Parse(text.String(), rules)
	require.Error(t, err)
	require.LessOrEqual(t, len(asked), maxLookups)
}

// TestNamesThatNeverWork are refused instead of failing at each rotation.
func TestNamesThatNeverWork(t *testing.T) {
	long := strings.Repeat("x", 60)
	for _, text := range []string{
		"addextension " + long + "\ndateext\ndateformat -%Y" + long + "\ncompress\ncompressext ." + long,
		"compress\ncompressext 0", "compress\ncompressext .1", "compressext 1.2",
		"dateext\ndateformat .logrotate.conf", "dateext\ndateformat .logrotate\naddextension .conf",
		"dateext\ndateformat .impostor-%d",
	} {
		_, _, err := Parse(text, operator)
		require.Error(t, err, text)
	}
	for _, text := range []string{
		"addextension " + long + "\ncompress", "compress\ncompressext .7z", "dateformat .logrotate.conf\nnodateext",
		"dateext\ndateformat .%Y.logrotate.conf",
	} {
		_ = parseOne(t, text, operator)
	}
}
