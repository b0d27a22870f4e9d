package settings

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// shownBytes is how much of a value a message shows.
const shownBytes = 64

// Error is a parameter or task variable that cannot be used. Its text is safe for
// a log: control characters are escaped, long values cut.
type Error struct {
	// From is the parameter or variable.
	From Origin
	// Value as written, where the message is about the value.
	Value    string
	HasValue bool
	// Reason says what is wrong and what was expected.
	Reason string

	cause error
}

// Error gives, for example:
//
//	parameter max_stdout_size: "10" has no unit; expected ...
func (e *Error) Error() string {
	if e.HasValue {
		return fmt.Sprintf("%s: %s %s", e.From, quoted(e.Value), printable(e.Reason))
	}
	return fmt.Sprintf("%s: %s", e.From, printable(e.Reason))
}

// Unwrap gives the error of the options' language, where it was one.
func (e *Error) Unwrap() error { return e.cause }

// quoted shows a value in quotes, escaped, and cut with its full length.
func quoted(value string) string {
	if len(value) <= shownBytes {
		return strconv.Quote(value)
	}
	return fmt.Sprintf("%s... (%d bytes)", strconv.Quote(cut(value, shownBytes)), len(value))
}

// printable escapes what could forge or break a log line.
func printable(text string) string {
	var b strings.Builder
	for i, r := range text {
		width := utf8.RuneLen(r)
		if r == utf8.RuneError {
			_, width = utf8.DecodeRuneInString(text[i:])
		}
		if strconv.IsPrint(r) && (r != utf8.RuneError || width > 1) {
			b.WriteRune(r)
			continue
		}
		escaped := strconv.Quote(text[i : i+width])
		b.WriteString(escaped[1 : len(escaped)-1])
	}
	return b.String()
}

// cut gives at most limit bytes of text, ending with a whole character.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}

// nearest gives the name that a misspelt one most likely meant: the first that
// begins with it, else the one that the fewest changes lead to. Names are compared
// without regard to case; a long one is cut, as the distance costs its length.
func nearest(untrustedName string, names []string) string {
	wanted := strings.ToLower(cut(untrustedName, shownBytes))
	for _, name := range names {
		if wanted != "" && strings.HasPrefix(strings.ToLower(name), wanted) {
			return name
		}
	}
	best, bestDistance := "", -1
	for _, name := range names {
		distance := levenshtein.ComputeDistance(wanted, strings.ToLower(name))
		if bestDistance < 0 || distance < bestDistance {
			best, bestDistance = name, distance
		}
	}
	return best
}
