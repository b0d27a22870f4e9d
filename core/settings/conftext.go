package settings

import (
	"fmt"
	"path/filepath"
	"strings"

	"sluice/core/logformat"
)

// confQuote escapes what would end the quoted path of a configuration.
var confQuote = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// ConfText is the effective policy of a stream in logrotate's own language, for
// people, and for those who read the series, in `stdout.logrotate.conf`. No logger ever
// reads it back: the task can change it. Comments
// say where each line came from. `path` is the live file's, as it shall be shown.
func (s Stream) ConfText(path string) string {
	var b strings.Builder
	b.WriteString("# Written by sluice, for people and the command sluice. The logger never reads it back.\n")
	fmt.Fprintf(&b, "\"%s\" {\n", printable(confQuote.Replace(path)))
	if s.Discard {
		fmt.Fprintf(&b, "    # %s: discard. The container writes into /dev/null; nothing is kept or counted.\n}\n", s.DiscardFrom)
		return b.String()
	}
	for _, line := range s.Policy.Lines() {
		from := "default"
		if line.Source > 0 {
			from = fmt.Sprintf("%s, line %d", s.OptionsFrom, line.Source)
		}
		writeLines(&b, from, line.Text)
	}
	writeLines(&b, s.MaxBytesFrom.String(), fmt.Sprintf("size %d", s.MaxBytes))
	if s.MaxRateBytes > 0 {
		fmt.Fprintf(&b, "    # %s: at most %d bytes per second\n", s.MaxRateFrom, s.MaxRateBytes)
	}
	for _, line := range s.WhenFull.lines() {
		fmt.Fprintf(&b, "    # %s\n", line)
	}
	if s.Times > 0 && s.FirstBytes == 0 {
		fmt.Fprintf(&b, "    # parameter times: when it was written, to %s, is in %s\n", s.Times, printable(logformat.TimesName(filepath.Base(path))))
	}
	if s.FirstBytes > 0 {
		fmt.Fprintf(&b, "    # %s: the first %d bytes are kept; what follows is counted and dropped\n", s.MaxBytesFrom, s.FirstBytes)
	}
	for _, lowered := range s.Lowered {
		fmt.Fprintf(&b, "    # %s\n", lowered)
	}
	for _, warning := range s.Warnings {
		fmt.Fprintf(&b, "    # %s, %s\n", s.OptionsFrom, warning)
	}
	b.WriteString("}\n")
	return b.String()
}

// writeLines writes a directive, a script's being several lines, under its origin.
func writeLines(b *strings.Builder, from, directive string) {
	fmt.Fprintf(b, "    # %s\n", from)
	for _, line := range strings.Split(directive, "\n") {
		fmt.Fprintf(b, "    %s\n", line)
	}
}
