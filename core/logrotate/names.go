package logrotate

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDatePatternBytes is the room that logrotate 3.21 has for a date format turned
// into a glob pattern, in which a two-digit field takes 10 bytes.
const maxDatePatternBytes = 127

// maxNamePartBytes keeps the names of rotated files under the 255 of the kernel.
const maxNamePartBytes = 100

// namePart reads a value that becomes part of a file name.
func (p *parser) namePart(key word) (string, mark, error) {
	text, at, ok := p.value()
	if !ok || text == "" {
		return "", at, p.missing(key, "a part of a file name")
	}
	if strings.Contains(text, "/") {
		return "", at, p.errorAt(at, text, "a slash would lead to another directory", "a part of a file name")
	}
	if len(text) > maxNamePartBytes || !plain(text, true) {
		return "", at, p.errorAt(at, text, "cannot be part of a file name", "at most 100 bytes without control characters")
	}
	return text, at, nil
}

func readNamePart(set func(*Policy, string)) reader {
	return func(p *parser, key word) error {
		text, _, err := p.namePart(key)
		if err == nil {
			set(&p.policy, text)
		}
		return err
	}
}

func readDateFormat(p *parser, key word) error {
	before := p.cursor
	if text, _, ok := p.value(); !ok || text == "" {
		p.policy.DateFormat = ""
		p.warn(key, "the value is missing; the default -%Y%m%d is used")
		return nil
	}
	p.cursor = before
	text, at, err := p.namePart(key)
	if err != nil {
		return err
	}
	if datePatternBytes(text) >= maxDatePatternBytes {
		return p.errorAt(at, text, "the date format is too long", "fewer fields")
	}
	p.policy.DateFormat = text
	return nil
}

// datePatternBytes is the length of the glob pattern of a date format.
func datePatternBytes(format string) int {
	length := 0
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			length++
			continue
		}
		switch format[i+1] {
		case 'Y':
			length += 20
		case 'm', 'd', 'H', 'M', 'S', 'V':
			length += 10
		case 's':
			length += 50
		default:
			length++
			continue
		}
		i++
	}
	return length
}

// path reads a value that is one path without blanks.
func (p *parser) path(key word) (string, mark, error) {
	text, at, ok := p.value()
	if !ok || text == "" {
		return "", at, p.missing(key, "a path")
	}
	if !plain(text, false) {
		return "", at, p.errorAt(at, text, "bad path", "one word without blanks and control characters")
	}
	return text, at, nil
}

func readOldDir(p *parser, key word) error {
	text, at, err := p.path(key)
	p.policy.OldDir, p.oldDirAt = text, &word{mark: at, text: text}
	return err
}

// checkOldDir makes olddir a clean path beneath the sandbox.
func (p *parser) checkOldDir() error {
	dir := p.policy.OldDir
	if dir == "" {
		return nil
	}
	const expected = "a directory beneath the sandbox"
	if path.IsAbs(dir) {
		if p.rules.Sandbox == "" {
			return p.errorAt(p.oldDirAt.mark, dir, "an absolute olddir cannot be beneath every sandbox", "a relative path")
		}
		beneath, ok := strings.CutPrefix(path.Clean(dir)+"/", path.Clean(p.rules.Sandbox)+"/")
		if !ok {
			return p.errorAt(p.oldDirAt.mark, dir, "olddir leads out of the sandbox", expected)
		}
		dir = "./" + beneath
	}
	clean := path.Clean(dir)
	if clean == ".." || strings.HasPrefix(clean, "../") || strings.HasPrefix(dir, "~") {
		return p.errorAt(p.oldDirAt.mark, dir, "olddir leads out of the sandbox", expected)
	}
	if clean == "." {
		clean = ""
	}
	p.policy.OldDir = clean
	return nil
}

// plain says that every character can be shown as it is; blanks only if allowed.
func plain(text string, blanks bool) bool {
	if !utf8.ValidString(text) {
		return false
	}
	for _, r := range text {
		if !unicode.IsPrint(r) && !(blanks && r == '\t') || !blanks && r == ' ' {
			return false
		}
	}
	return true
}
