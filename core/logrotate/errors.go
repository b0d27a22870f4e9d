package logrotate

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxShownBytes of a word are shown in a message.
const maxShownBytes = 64

// Error says why a text cannot be used.
type Error struct {
	// Line and Column count from 1; Column counts bytes.
	Line, Column int
	// Word is what stands there: untrusted, to be shown only escaped.
	Word string
	// Reason says what is wrong, Expected what would be right (may be empty).
	Reason, Expected string
}

// Error gives one line without control characters, whatever the text held.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "line %d, column %d: ", e.Line, e.Column)
	if e.Word != "" {
		fmt.Fprintf(&b, "%s: ", quoted(e.Word))
	}
	b.WriteString(e.Reason)
	if e.Expected != "" {
		b.WriteString("; expected ")
		b.WriteString(e.Expected)
	}
	return b.String()
}

// Errors is all that is wrong with one text, in its order; there are at least two.
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

// All gives the errors that Parse has found, one by one.
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

// joinErrors is what Parse returns for what it has found.
func joinErrors(found []*Error) error {
	switch len(found) {
	case 0:
		return nil
	case 1:
		return found[0]
	}
	slices.SortStableFunc(found, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return Errors(found)
}

// Warning tells of a line that is accepted but not, or not fully, in force.
type Warning struct {
	Line int
	// Word is the directive: untrusted, to be shown only escaped.
	Word string
	// Text says what becomes of it.
	Text string
	// Unknown says that the directive is none of the language.
	Unknown bool
}

// String gives one line without control characters.
func (w Warning) String() string {
	return fmt.Sprintf("line %d: %s: %s", w.Line, quoted(w.Word), w.Text)
}

// quoted shows a word in quotes, escaped, and cut; what cannot be seen is named behind.
func quoted(untrusted string) string {
	shown := clip(untrusted)
	text := strconv.Quote(shown)
	if len(shown) < len(untrusted) {
		text += "..."
	}
	return text + strangerNamed(shown)
}

// clip keeps the words of messages short, and their characters whole.
func clip(untrusted string) string {
	if len(untrusted) <= maxShownBytes {
		return untrusted
	}
	end := maxShownBytes
	for end > 0 && !utf8.RuneStart(untrusted[end]) {
		end--
	}
	return untrusted[:end]
}
