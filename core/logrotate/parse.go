package logrotate

import (
	"fmt"
	"slices"
	"strings"
)

// MaxTextBytes is the length of the longest text that is read at all.
const MaxTextBytes = 64 << 10

// Parse reads an option text. The error is of type *Error. Warnings tell of lines
// that are not in force; they come with a valid policy.
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
		rules:  rules, policy: defaults(),
	}
	if at := strings.IndexByte(untrustedText, 0); at >= 0 {
		return Policy{}, nil, p.nul(at)
	}
	if err := p.read(); err != nil {
		return Policy{}, p.warnings, err
	}
	if err := p.checkWhole(); err != nil {
		return Policy{}, p.warnings, err
	}
	return p.policy, p.warnings, nil
}

// parser is the state of one reading.
type parser struct {
	cursor
	rules    Rules
	policy   Policy
	warnings []Warning

	// What is only wrong if it is still in force at the end, and where it was said.
	copyAt, mailAt, oldDirAt, compressorAt, optionsAt *word
	ownersOf                                          []owned
}

// word is a word of the text with its place.
type word struct {
	mark
	text string
}

// read goes through the text directive by directive.
func (p *parser) read() error {
	for !p.done() {
		switch b := p.peek(); {
		case isBlank(b) || b == '\n':
			p.step()
		case b == '#':
			p.stepLine()
		case isAlpha(b):
			if err := p.directive(); err != nil {
				return err
			}
		default:
			return p.strayByte()
		}
	}
	return nil
}

// directive reads one keyword and what belongs to it.
func (p *parser) directive() error {
	key := word{mark: p.mark()}
	key.text = p.word()
	if b := p.peek(); !isSpace(b) && b != '=' {
		return p.errorAt(p.mark(), string(b), fmt.Sprintf("follows the directive %q without a space", clip(key.text)),
			"white space or \"=\" between a directive and its value")
	}
	read, known := directives[key.text]
	if !known {
		if len(p.warnings) < maxWarnings {
			p.warn(key, "unknown directive; the line is ignored"+nearestHint(key.text))
		}
		p.stepLine()
		return nil
	}
	switch {
	case p.permitted(key.text):
		p.policy.noteSource(key.text, key.line)
		if err := read(p, key); err != nil {
			return err
		}
	case p.rules.LeaveOut:
		if err := p.leaveOut(key, read); err != nil {
			return err
		}
	default:
		return p.errorAt(key.mark, key.text, notPermitted, p.rules.allowedWords())
	}
	// The byte behind a keyword is its separator; behind a value it is the newline.
	if !p.done() {
		p.step()
	}
	return nil
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
	scratch := *p
	scratch.rules.AllowScripts = true
	if err := read(&scratch, key); err != nil {
		return err
	}
	p.cursor = scratch.cursor
	p.warn(key, "left out: "+notPermitted)
	return nil
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
	return p.errorAt(at, line, "a line must begin with a directive", "a letter, or # for a comment")
}

func (p *parser) nul(offset int) error {
	text := p.untrusted[:offset]
	return p.errorAt(
		mark{line: 1 + strings.Count(text, "\n"), column: offset - strings.LastIndexByte(text, '\n')},
		"\x00", "a NUL byte", "text")
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

// clip keeps the words of messages short.
func clip(untrusted string) string {
	return untrusted[:min(len(untrusted), maxShownBytes)]
}
