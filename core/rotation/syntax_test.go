package rotation

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sluice/core/logrotate"
)

// syntaxTexts are compared in one run.
const syntaxTexts = 400

var (
	syntaxWords = strings.Fields(`rotate start maxage minage size minsize maxsize compress nocompress dateformat extension
		addextension compressext compressoptions weekly create createolddir nocreate shredcycles errors missingok su
		compresscmd Foo # hourly dateext postrotate endscript prerotate nomail`)
	syntaxValues = []string{
		"", " ", "  \t", "=", "= ", " =", " 2", "=3", " 010", " 08", " 0x1f", " -1", " 5k", " 5K", " 3M", " 2m", " x",
		" 2 # c", " # c", " .log", " -%Y", "  -9", " 0600", " 600 root", " 640 root root", " root root",
		" 640 root root x", " 7", " 8", " 3 x", " gzip", " 5 5", " 5;", ";", "2", " ==x", " compress", " 1e3", " 0", " a=b",
	}
)

// TestSyntaxAgainstLogrotate asserts that random texts are errors here exactly where
// the installed logrotate would drop the section.
func TestSyntaxAgainstLogrotate(t *testing.T) {
	if _, err := exec.LookPath("logrotate"); err != nil {
		t.Skip("the program logrotate is not installed")
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("%s=%d", seedVariable, seed)
	g := &gamble{rand.New(rand.NewPCG(seed, 1))}
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755))
	live := filepath.Join(dir, "stdout")
	require.NoError(t, os.WriteFile(live, []byte("x"), 0o644))
	rules := logrotate.Rules{AllowScripts: true, KnownUser: KnownUser, KnownGroup: KnownGroup}
	for range syntaxTexts {
		text := g.text()
		_, _, err := logrotate.Parse(text, rules)
		if err != nil && refusedOnPurpose(err.Error()) || err == nil && acceptedOnPurpose(text) {
			continue
		}
		dropped, output := dropsSection(t, live, text)
		require.Equal(t, dropped, err != nil, "%q\nlogrotate: %s\nhere: %v", text, output, err)
	}
}

// refusedOnPurpose: what logrotate reads and a decision refuses.
func refusedOnPurpose(message string) bool {
	return strings.Contains(message, "not supported") || strings.Contains(message, "built-in") ||
		strings.Contains(message, "would make names of compressed files that are those of others") ||
		strings.Contains(message, `"-1": unknown user`) // a mode for sscanf(3), of all bits
}

// acceptedOnPurpose: what logrotate drops a section for and has no effect here.
func acceptedOnPurpose(text string) bool {
	return strings.Contains(text, "tabooext") || strings.Contains(text, "taboopat") || strings.Contains(text, "uncompresscmd")
}

// text is one to three lines that are often nearly right.
func (g *gamble) text() string {
	var lines []string
	for range 1 + g.IntN(3) {
		line := g.one("", "", "", " ") + g.one(syntaxWords...) + g.one(syntaxValues...)
		if g.chance(12) {
			line += " " + g.one(syntaxWords...)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// dropsSection asks logrotate, in debug mode, which changes nothing.
func dropsSection(t *testing.T, live, text string) (bool, string) {
	conf := filepath.Join(t.TempDir(), "conf")
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, "\"%s\" {\n%s\nsize 0\n}\n", live, text), 0o444))
	raw, _ := exec.Command("logrotate", "-d", "--state", conf+".state", conf).CombinedOutput()
	output := string(raw)
	dropped := strings.Contains(output, ", skipping") || strings.Contains(output, "without endscript") ||
		!strings.Contains(output, "considering log")
	return dropped, output
}
