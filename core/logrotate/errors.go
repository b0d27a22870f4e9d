package logrotate

import (
	"fmt"
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

// Warning tells of a line that is accepted but not, or not fully, in force.
type Warning struct {
	Line int
	// Word is the directive: untrusted, to be shown only escaped.
	Word string
	// Text says what becomes of it.
	Text string
}

// String gives one line without control characters.
func (w Warning) String() string {
	return fmt.Sprintf("line %d: %s: %s", w.Line, quoted(w.Word), w.Text)
}

func quoted(untrusted string) string {
	if len(untrusted) <= maxShownBytes {
		return strconv.Quote(untrusted)
	}
	end := maxShownBytes
	for end > 0 && !utf8.RuneStart(untrusted[end]) {
		end--
	}
	return strconv.Quote(untrusted[:end]) + "..."
}
