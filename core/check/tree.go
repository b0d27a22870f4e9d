package check

import (
	"bytes"
	"encoding/json"
)

// kind of a JSON value, in words.
type kind string

const (
	kindObject  kind = "an object"
	kindArray   kind = "an array"
	kindText    kind = "a string"
	kindNumber  kind = "a number"
	kindBoolean kind = "true or false"
	kindNull    kind = "null"
)

// node is a JSON value with its place.
type node struct {
	kind    kind
	at      position
	text    string
	items   []*node
	members []member
}

// member is a name in an object with its value.
type member struct {
	key   string
	at    position
	value *node
}

// get gives the last value of a name, as parsers do, or nil.
func (n *node) get(key string) *node {
	var found *node
	for _, m := range n.members {
		if m.key == key {
			found = m.value
		}
	}
	return found
}

// tree reads a text that is known to be valid JSON.
type tree struct {
	source  []byte
	lines   lines
	decoder *json.Decoder
	twice   []member
}

func newTree(source []byte) *tree {
	decoder := json.NewDecoder(bytes.NewReader(source))
	decoder.UseNumber()
	return &tree{source: source, lines: linesOf(source), decoder: decoder}
}

// here is where the next token begins.
func (t *tree) here() position {
	offset := int(t.decoder.InputOffset())
	for offset < len(t.source) && bytes.IndexByte([]byte(" \t\r\n,:"), t.source[offset]) >= 0 {
		offset++
	}
	return t.lines.place(offset)
}

// value reads the next value. Its depth is bounded by encoding/json.
func (t *tree) value() *node {
	n := &node{at: t.here()}
	token, _ := t.decoder.Token()
	switch token := token.(type) {
	case json.Delim:
		if token == '{' {
			n.kind = kindObject
			t.object(n)
		} else {
			n.kind = kindArray
			for t.decoder.More() {
				n.items = append(n.items, t.value())
			}
		}
		_, _ = t.decoder.Token() // what closes it
	case string:
		n.kind, n.text = kindText, token
	case json.Number:
		n.kind, n.text = kindNumber, token.String()
	case bool:
		n.kind = kindBoolean
	default:
		n.kind = kindNull
	}
	return n
}

func (t *tree) object(n *node) {
	seen := map[string]bool{}
	for t.decoder.More() {
		m := member{at: t.here()}
		key, _ := t.decoder.Token()
		m.key, _ = key.(string)
		if seen[m.key] {
			t.twice = append(t.twice, m)
		}
		seen[m.key] = true
		m.value = t.value()
		n.members = append(n.members, m)
	}
}
