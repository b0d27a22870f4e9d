package check

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
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
	at := place(text, min(int(syntax.Offset)-1, len(text)))
	if int(syntax.Offset) >= len(text) && strings.Contains(err.Error(), "unexpected end") {
		at = place(text, len(text))
	}
	r.add(Error, at, "this is no JSON: %v", err)
}

// place gives the line and column of an offset.
func place(text []byte, offset int) position {
	before := text[:max(0, min(offset, len(text)))]
	line := bytes.Count(before, []byte{'\n'})
	return position{line + 1, len(before) - (bytes.LastIndexByte(before, '\n') + 1) + 1}
}
