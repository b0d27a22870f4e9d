package logrotate

import "strings"

// cursor walks through a text that ends with a newline. Its moves are logrotate's
// own, including the odd one: the byte behind a keyword is skipped unseen.
type cursor struct {
	untrusted string
	pos       int
	line      int
	lineStart int
}

// mark is a place in the text, for messages.
type mark struct {
	line, column int
}

func (c *cursor) done() bool { return c.pos >= len(c.untrusted) }

func (c *cursor) peek() byte { return c.untrusted[c.pos] }

func (c *cursor) mark() mark { return mark{line: c.line, column: c.pos - c.lineStart + 1} }

// step moves over one byte and counts lines.
func (c *cursor) step() {
	if c.untrusted[c.pos] == '\n' {
		c.line++
		c.lineStart = c.pos + 1
	}
	c.pos++
}

// stepLine moves to the newline that ends the line.
func (c *cursor) stepLine() {
	c.pos += strings.IndexByte(c.untrusted[c.pos:], '\n')
}

// word takes the letters at the cursor.
func (c *cursor) word() string {
	start := c.pos
	for isAlpha(c.peek()) {
		c.pos++
	}
	return c.untrusted[start:c.pos]
}

func (c *cursor) skipBlanks() {
	for isBlank(c.peek()) {
		c.pos++
	}
}

// rest takes what is left of the line, without the white space around it; the
// cursor is then at the newline.
func (c *cursor) rest() (string, mark) {
	start := c.pos
	c.stepLine()
	text := strings.TrimRight(c.untrusted[start:c.pos], " \t\r\v\f")
	trimmed := strings.TrimLeft(text, " \t")
	indent := len(text) - len(trimmed)
	return trimmed, mark{line: c.line, column: start - c.lineStart + 1 + indent}
}

// value takes the value of a directive: the rest of the line behind blanks and at
// most one "=". Where the line ends first it reports false and has not moved. The
// text may be empty where only carriage returns and the like stand.
func (c *cursor) value() (string, mark, bool) {
	before := c.pos
	c.skipBlanks()
	if c.peek() == '=' {
		c.pos++
		c.skipBlanks()
	}
	if c.peek() == '\n' {
		c.pos = before
		return "", c.mark(), false
	}
	text, at := c.rest()
	return text, at, true
}

func isBlank(b byte) bool { return b == ' ' || b == '\t' }

func isSpace(b byte) bool { return isBlank(b) || (b >= '\n' && b <= '\r') }

func isAlpha(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' }
