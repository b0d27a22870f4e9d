package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"unicode/utf8"
)

// inline is the source where the JSON itself was given.
const inline = "<inline>"

// maxSourceBytes is far more than any modules file has.
const maxSourceBytes = 16 << 20

// position is a place in the JSON, counted from 1; the zero value is no place.
type position struct{ line, column int }

// read gets the JSON as the agent does: from a file where the value begins with
// file:// or a slash. Beyond that a relative path is one too, which on the command
// line can mean nothing else.
func (r *Report) read(value string) ([]byte, bool) {
	if strings.HasPrefix(strings.TrimLeft(value, " \t\r\n"), "{") {
		r.Source = inline
		return []byte(value), true
	}
	path := strings.TrimPrefix(value, "file://")
	r.Source = path
	if strings.HasPrefix(value, "file://") && !strings.HasPrefix(path, "/") {
		r.add(Warning, position{}, "%q names a path relative to wherever the agent is started; expected file:///PATH", value)
	}
	text, err := readBounded(path)
	if err != nil {
		r.add(Error, position{}, "read the modules file: %v", err)
		return nil, false
	}
	return text, true
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSourceBytes+1))
	if err == nil && len(text) > maxSourceBytes {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxSourceBytes)
	}
	return text, err
}

// parse reads the JSON; the syntax is checked as a whole first, so that the first
// error has its place.
func (r *Report) parse(text []byte) (*node, bool) {
	if !utf8.Valid(text) {
		r.add(Warning, position{}, "the JSON is not in UTF-8: what is not is shown here as U+FFFD")
	}
	var whole any
	if err := json.Unmarshal(text, &whole); err != nil {
		r.syntax(text, err)
		return nil, false
	}
	t := newTree(text)
	root := t.value()
	for _, again := range t.twice {
		r.add(Warning, again.at, "%q is given twice in one object; the agent takes the last", again.key)
	}
	if root.kind != kindObject {
		r.add(Error, root.at, "expected a JSON object with \"libraries\", found %s", root.kind)
		return nil, false
	}
	return root, true
}

func (r *Report) syntax(text []byte, err error) {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		r.add(Error, position{}, "read the JSON: %v", err)
		return
	}
	// Offset counts the bytes up to and with the one that is wrong.
	offset := min(int(syntax.Offset)-1, len(text))
	if int(syntax.Offset) >= len(text) && strings.Contains(err.Error(), "unexpected end") {
		offset = len(text)
	}
	lines := linesOf(text)
	r.add(Error, lines.place(offset), "this is no JSON: %v%s", err, unclosed(text, offset, lines))
}

// unclosed tells which bracket or string is open where it cannot be: at the end of the
// text, or at a bracket of the other kind.
func unclosed(text []byte, offset int, lines lines) string {
	var open []int
	quoted := -1
	for i := 0; i < offset; i++ {
		switch c := text[i]; {
		case quoted >= 0 && c == '\\':
			i++
		case c == '"' && quoted >= 0:
			quoted = -1
		case c == '"':
			quoted = i
		case quoted >= 0:
		case c == '{' || c == '[':
			open = append(open, i)
		case (c == '}' || c == ']') && len(open) > 0:
			open = open[:len(open)-1]
		}
	}
	atEnd := offset >= len(text)
	if quoted >= 0 && atEnd {
		at := lines.place(quoted)
		return fmt.Sprintf("; the string of line %d, column %d is not closed", at.line, at.column)
	}
	if len(open) == 0 {
		return ""
	}
	last := open[len(open)-1]
	if !atEnd && (text[offset] != '}' || text[last] != '[') && (text[offset] != ']' || text[last] != '{') {
		return ""
	}
	at := lines.place(last)
	return fmt.Sprintf("; the %c of line %d, column %d is not closed", text[last], at.line, at.column)
}

// lines are where the lines of a text begin.
type lines []int

func linesOf(text []byte) lines {
	starts := lines{0}
	for i, c := range text {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// place gives the line and column of an offset.
func (l lines) place(offset int) position {
	line := sort.SearchInts(l, offset+1) - 1
	return position{line + 1, offset - l[line] + 1}
}
