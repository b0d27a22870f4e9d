package settings

import (
	"errors"
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
	// foreign says that the variable is another logger's.
	foreign bool
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

// Errors is all that is wrong with what one author wrote; there are at least two.
type Errors []*Error

// toldErrors and toldBytes bound what one message tells: at least one error.
const (
	toldErrors = 5
	toldBytes  = 1500
)

// Error gives one line without control characters, of bounded length.
func (e Errors) Error() string {
	text := e[0].Error()
	for told, one := range e[1:] {
		if told+1 == toldErrors || len(text) > toldBytes {
			return fmt.Sprintf("%s; and %d more", text, len(e)-told-1)
		}
		text += "; also " + one.Error()
	}
	return text
}

// Unwrap gives each, for errors.As.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}

// All gives the errors that were found, one by one; nil where err is not about what
// somebody wrote.
func All(err error) []*Error {
	var several Errors
	var one *Error
	switch {
	case errors.As(err, &several):
		return several
	case errors.As(err, &one):
		return []*Error{one}
	}
	return nil
}

// found collects errors, a bounded number of them: a task can write what it likes.
type found []*Error

// maxErrors is how many are kept.
const maxErrors = 50

// add takes an error of this package.
func (f *found) add(err error) {
	for _, one := range All(err) {
		if len(*f) < maxErrors {
			*f = append(*f, one)
		}
	}
}

// err is what was found, as one error.
func (f found) err() error {
	switch len(f) {
	case 0:
		return nil
	case 1:
		return f[0]
	}
	return Errors(f)
}

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

// nearest gives the name that a misspelt one most likely meant, or nothing: the first
// that begins with it, else the one that few changes lead to. Names are compared
// without regard to case and up to the first character that no name has; a long one is
// cut, as the distance costs its length.
func nearest(untrustedName string, names []string) string {
	const shortest, share = 4, 4 // a change for so many characters
	wanted := strings.ToLower(cut(untrustedName, shownBytes))
	if end := strings.IndexFunc(wanted, foreignRune); end >= 0 {
		wanted = wanted[:end]
	}
	if len(wanted) >= shortest {
		for _, name := range names {
			if strings.HasPrefix(strings.ToLower(name), wanted) {
				return name
			}
		}
	}
	best, bestDistance := "", max(1, len(wanted)/share)+1
	for _, name := range names {
		if distance := levenshtein.ComputeDistance(wanted, strings.ToLower(name)); distance < bestDistance {
			best, bestDistance = name, distance
		}
	}
	return best
}

// foreignRune is of no name.
func foreignRune(r rune) bool { return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') }

// nearestHint says what was meant, where that is near; else what there is.
func nearestHint(untrustedName string, names []string, otherwise string) string {
	if name := nearest(untrustedName, names); name != "" {
		return "; the nearest is " + name
	}
	return otherwise
}
