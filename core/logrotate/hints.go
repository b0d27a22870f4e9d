package logrotate

import (
	"fmt"
	"strings"
)

// mistake tells, of a value that cannot be read, which common mistake it is: words that
// follow "bad value of X: ", or nothing.
func mistake(untrusted string) string {
	fields := strings.Fields(untrusted)
	switch {
	case len(fields) == 0:
		return ""
	case strings.Contains(untrusted, `\n`):
		return `a backslash and an n stand where a new line belongs`
	case strings.ContainsAny(untrusted, ";,"):
		return "directives are parted by new lines, not by commas or semicolons"
	case strings.Contains(untrusted, "#"):
		return "a value runs to the end of its line; a comment behind it needs a line of its own"
	case len(fields) > 1 && isDirective(fields[1]):
		return fmt.Sprintf("a value runs to the end of its line; %q needs a line of its own", fields[1])
	case strings.ContainsAny(untrusted[:1], `"'`):
		return "values stand without quotes"
	}
	return ""
}

// badValue is the reason why a value cannot be read.
func badValue(directive, why string) string {
	if why == "" {
		return "bad value of " + directive
	}
	return "bad value of " + directive + ": " + why
}

// suspicious tells of a value that can be read, and was hardly meant so.
func (p *parser) suspicious(key word, untrusted string) {
	switch {
	case strings.Contains(untrusted, `\n`), strings.Contains(untrusted, " #"), strings.Contains(untrusted, "\t#"):
		p.warn(key, "its value is the whole rest of the line: "+mistake(untrusted))
	case strings.ContainsAny(untrusted, `"'`):
		p.warn(key, "the quotes are part of the value")
	}
}

// joined explains what follows a keyword without a space.
func joined(untrusted string) string {
	switch untrusted[0] {
	case '\\':
		if strings.HasPrefix(untrusted, `\n`) {
			return ": a backslash and an n stand where a new line belongs"
		}
	case ';', ',':
		return ": directives are parted by new lines, not by commas or semicolons"
	case ':':
		return ": a value follows a space or \"=\", not a colon"
	}
	return ""
}

// unitHint explains a size whose unit is written otherwise.
func unitHint(untrusted string) string {
	digits := len(untrusted) - len(strings.TrimLeft(untrusted, "0123456789"))
	if digits == 0 {
		return ""
	}
	units := map[string]string{
		"b": "", "bytes": "", "kb": "k", "kib": "k", "k": "k", "m": "M", "mb": "M", "mib": "M", "g": "G", "gb": "G", "gib": "G",
	}
	unit, known := units[strings.ToLower(strings.TrimSpace(untrusted[digits:]))]
	if !known {
		return ""
	}
	return fmt.Sprintf("here that is written %s%s", clip(untrusted[:digits]), unit)
}

// weekdays are what `weekly` takes as numbers.
var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// weekdayHint explains the name of a day.
func weekdayHint(untrusted string) string {
	lower := strings.ToLower(untrusted)
	for number, name := range weekdays {
		if len(lower) >= 3 && strings.HasPrefix(name, lower) {
			return fmt.Sprintf("that day is %d", number)
		}
	}
	return mistake(untrusted)
}

// answers are words that people give to a directive without a value.
var answers = map[string]bool{
	"yes": true, "true": true, "on": true, "enable": true, "enabled": true,
	"no": false, "false": false, "off": false, "disable": false, "disabled": false,
}

// answerHint explains an unknown word behind a directive that takes no value.
func (p *parser) answerHint(key word) string {
	on, isAnswer := answers[strings.ToLower(key.text)]
	if !isAnswer || p.flag.text == "" || p.flag.line != key.line {
		return ""
	}
	if on {
		return fmt.Sprintf("; %q takes no value", p.flag.text)
	}
	if opposite := "no" + p.flag.text; isDirective(opposite) {
		return fmt.Sprintf("; %q takes no value and is in force: the opposite is %q", p.flag.text, opposite)
	}
	return fmt.Sprintf("; %q takes no value and is in force", p.flag.text)
}
