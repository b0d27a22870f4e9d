package logrotate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxTextBytes is the length of the longest text that is read at all.
const MaxTextBytes = 64 << 10

// Parse reads an option text. The error is of type *Error, or Errors where several
// things are wrong. Warnings tell of lines that are not in force.
func Parse(untrustedText string, rules Rules) (Policy, []Warning, error) {
	if len(untrustedText) > MaxTextBytes {
		return Policy{}, nil, &Error{
			Line: 1, Column: 1,
			Reason:   fmt.Sprintf("the text has %d bytes", len(untrustedText)),
			Expected: fmt.Sprintf("at most %d", MaxTextBytes),
		}
	}
	p := &parser{
		cursor: cursor{untrusted: untrustedText + "\n", line: 1},
		rules:  rules, policy: defaults(), lookups: map[string]bool{},
	}
	if at := strings.IndexByte(untrustedText, 0); at >= 0 {
		return Policy{}, nil, p.notText(at, "a NUL byte", "text")
	}
	if at := invalidUTF8(untrustedText); at >= 0 {
		return Policy{}, nil, p.notText(at, "not in UTF-8", "text in UTF-8, also in comments")
	}
	p.read()
	p.checkWhole()
	if rules.Forgive {
		p.forgive()
	}
	if err := joinErrors(p.errors); err != nil {
		return Policy{}, p.warnings, err
	}
	return p.policy, p.warnings, nil
}

// invalidUTF8 is where a text stops being UTF-8; -1 is nowhere.
func invalidUTF8(text string) int {
	for i, r := range text {
		if r == utf8.RuneError {
			if _, width := utf8.DecodeRuneInString(text[i:]); width == 1 {
				return i
			}
		}
	}
	return -1
}

// parser is the state of one reading.
type parser struct {
	cursor
	rules    Rules
	policy   Policy
	warnings []Warning
	errors   []*Error
	lookups  map[string]bool // known names of users and groups
	flag     word            // the last directive without a value

	// What is only wrong if it is still in force at the end, and where it was said.
	copyAt, mailAt, oldDirAt, compressorAt, optionsAt, nameAt *word
	compressorKey                                             word
	commandOptions                                            []string // behind compresscmd's program
	extSet                                                    bool
	ownersOf                                                  []owned
}

// word is a word of the text with its place.
type word struct {
	mark
	text string
}

// within is where a part of the word stands.
func (w word) within(part string) mark {
	return mark{line: w.line, column: w.column + max(0, strings.Index(w.text, part))}
}

// fieldsOf splits a value at white space.
func fieldsOf(value word) (fields []word) {
	at := 0
	for _, field := range strings.Fields(value.text) {
		at += strings.Index(value.text[at:], field)
		fields = append(fields, word{mark{value.line, value.column + at}, field})
		at += len(field)
	}
	return fields
}

// read goes through the text directive by directive. What is wrong is noted, and the
// reading goes on with the next line.
func (p *parser) read() {
	for !p.done() {
		var err error
		before := p.policy
		switch b := p.peek(); {
		case isBlank(b) || b == '\n':
			p.step()
		case b == '#':
			p.stepLine()
		case isAlpha(b):
			err = p.directive()
		default:
			err = p.strayByte()
		}
		if err != nil {
			p.fail(err)
			p.policy = before
			if !p.done() {
				p.stepLine()
			}
		}
	}
}

// maxErrors bounds what is kept of a text that is no text of options at all.
const maxErrors = 100

// fail notes an error, or several that are joined.
func (p *parser) fail(err error) {
	var one *Error
	if errors.As(err, &one) && len(p.errors) < maxErrors {
		p.errors = append(p.errors, one)
	}
}

// forgive makes warnings of all errors: what was wrong is not in the policy.
func (p *parser) forgive() {
	for _, one := range p.errors {
		p.warn(word{mark{line: one.Line}, one.Word}, "left out: "+one.Reason)
	}
	p.errors = nil
}

// directive reads one keyword and what belongs to it.
func (p *parser) directive() error {
	key := word{mark: p.mark()}
	key.text = p.word()
	if b := p.peek(); !isSpace(b) && b != '=' {
		follows, _ := utf8.DecodeRuneInString(p.untrusted[p.pos:])
		return p.errorAt(p.mark(), string(follows),
			fmt.Sprintf("follows the directive %q without a space%s", clip(key.text), joined(p.untrusted[p.pos:])),
			"white space or \"=\" between a directive and its value")
	}
	read, known := directives[key.text]
	if !known {
		p.unknown(key)
		p.stepLine()
		return nil
	}
	line := p.line
	if err := p.readKnown(key, read); err != nil {
		return err
	}
	if p.line == line && !p.done() && p.peek() != '\n' {
		p.flag = key
	}
	// The byte behind a keyword is its separator; behind a value it is the newline.
	if !p.done() {
		p.step()
	}
	return nil
}

// readKnown reads a directive that its author may use, and leaves out or refuses others.
func (p *parser) readKnown(key word, read reader) error {
	switch {
	case p.permitted(key.text):
		p.policy.noteSource(key.text, key.line)
		return read(p, key)
	case p.rules.LeaveOut:
		return p.leaveOut(key, read)
	}
	_ = p.skip(key, read)
	return p.errorAt(key.mark, key.text, notPermitted, p.rules.allowedWords())
}

// unknown warns of a word that is no directive.
func (p *parser) unknown(key word) {
	if len(p.warnings) >= maxWarnings {
		return
	}
	hint := p.answerHint(key)
	if hint == "" {
		hint = nearestHint(key.text)
	}
	p.warn(key, "unknown directive; the line is ignored"+hint)
	p.warnings[len(p.warnings)-1].Unknown = true
}

const notPermitted = "the operator does not let a task use this directive"

// permitted says whether the operator has left a directive to this author.
func (p *parser) permitted(name string) bool {
	return p.rules.Trust != Task || p.rules.Allowed == nil || slices.Contains(p.rules.Allowed, name) ||
		slices.Contains(p.rules.Allowed, strings.TrimPrefix(name, "no"))
}

// leaveOut reads a directive, with its value or script, without taking over what it
// says.
func (p *parser) leaveOut(key word, read reader) error {
	if err := p.skip(key, read); err != nil {
		return err
	}
	p.warn(key, "left out: "+notPermitted)
	return nil
}

// skip moves over a directive with its value or script.
func (p *parser) skip(key word, read reader) error {
	scratch := *p
	scratch.rules.AllowScripts = true
	err := read(&scratch, key)
	p.cursor = scratch.cursor
	return err
}

// strayByte explains a line that begins with no directive.
func (p *parser) strayByte() error {
	at := p.mark()
	line, _ := p.rest()
	switch line[:min(1, len(line))] {
	case "{", "}":
		return p.errorAt(at, line[:1], "braces would end the section of this log", "directives only, without braces")
	case "/", "\"", "'", "~":
		return p.errorAt(at, line, "a file name cannot stand here: the policy is for one file", "directives only")
	case "":
		return p.errorAt(at, "", "a carriage return on a line of its own", "lines that end in a newline, or no empty lines")
	}
	if p.flag.text != "" && p.flag.line == at.line {
		return p.errorAt(at, line, fmt.Sprintf("follows %q, which takes no value", p.flag.text), "another directive, or the end of the line")
	}
	return p.errorAt(at, line, "a line must begin with a directive", "a letter, or # for a comment")
}

// notText explains a byte that no text has.
func (p *parser) notText(offset int, reason, expected string) error {
	text := p.untrusted[:offset]
	return p.errorAt(
		mark{line: 1 + strings.Count(text, "\n"), column: offset - strings.LastIndexByte(text, '\n')},
		p.untrusted[offset:offset+1], reason, expected)
}

func (p *parser) errorAt(at mark, untrustedWord, reason, expected string) error {
	return &Error{Line: at.line, Column: at.column, Word: untrustedWord, Reason: reason, Expected: expected}
}

// maxWarnings bounds what a text can put into the log.
const maxWarnings = 50

func (p *parser) warn(key word, text string) {
	if len(p.warnings) == maxWarnings {
		return
	}
	if len(p.warnings) == maxWarnings-1 {
		text = "this and further lines are without effect"
	}
	p.warnings = append(p.warnings, Warning{Line: key.line, Word: key.text, Text: text})
}
