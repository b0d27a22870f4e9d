package lossproof

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const when = "2026-11-22T14:00:00.123Z"

func TestThePatternIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/accounting.md")
	require.NoError(t, err)
	assert.Contains(t, string(text), "\n```\n"+Pattern+"\n```\n")
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "    [sluice] 2026") {
			assert.Regexp(t, Pattern, strings.TrimSpace(line))
		}
	}
}

func TestCheck(t *testing.T) {
	const input = "one\ntwo\nthree\nfour\nfive\n"
	lost := func(what string) string { return "[sluice] " + when + " lost " + what + " since " + when + ": why" }
	const torn = "; the line before is incomplete"
	for _, c := range []struct {
		name, log, err string
	}{
		{"whole", input, ""},
		{"a gap", "one\n" + lost("10 bytes in 2 lines") + "\nfour\nfive\n", ""},
		{"a gap at the beginning", lost("4 bytes in 1 lines") + "\ntwo\nthree\nfour\nfive\n", ""},
		{"a gap at the end", "one\ntwo\nthree\nfour\n" + lost("5 bytes in 1 lines") + "\n", ""},
		{"a torn line", "one\ntw\n" + lost("8 bytes in 2 lines") + torn + "\nfour\nfive\n", ""},
		{"the beginning is gone", "three\nfour\nfive\n", ""},
		{"a line is missing", "one\nthree\nfour\nfive\n", "parts from the input at byte 5: it has"},
		{"the end is missing", "one\ntwo\n", "the log ends at byte 8 of 24"},
		{"too few lines told", "one\n" + lost("10 bytes in 1 lines") + "\nfour\nfive\n", "tells of 1 lines, 2 were lost"},
		{"too few bytes told", "one\n" + lost("9 bytes in 1 lines") + "\nfour\nfive\n", "ends within a line"},
		{"more than there is", "one\n" + lost("100 bytes in 1 lines") + "\n", "tells of 100 bytes where 20 are left"},
		{"torn without saying so", "one\ntw\n" + lost("8 bytes in 2 lines") + "\nfour\nfive\n", "parts"},
		{"doubled", "one\none\ntwo\nthree\nfour\nfive\n", "parts"},
		{"foreign", "zero\none\n", "parts from the input at byte 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Check([]byte(input), []byte(c.log))
			if c.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.err)
		})
	}
}
