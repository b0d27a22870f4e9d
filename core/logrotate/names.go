package logrotate

import (
	"fmt"
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
	p.suspicious(key, text)
	return text, at, nil
}

func readNamePart(set func(*Policy, string)) reader {
	return func(p *parser, key word) error {
		text, at, err := p.namePart(key)
		if err == nil {
			set(&p.policy, text)
			p.nameAt = &word{mark: at, text: text}
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
	p.nameAt = &word{mark: at, text: text}
	return nil
}

// checkNames refuses parts that together give names which the kernel, or the logger's
// own files beside the series, leave no room for.
func (p *parser) checkNames() error {
	if p.nameAt == nil {
		return nil
	}
	policy := p.policy
	together := len(policy.Extension) + len(policy.AddExtension) + len(policy.CompressExt())
	if policy.DateExt {
		together += max(len(policy.DateFormat), datePatternBytes(policy.DateFormat)/5)
	}
	if together > maxNamePartsBytes {
		return p.errorAt(p.nameAt.mark, p.nameAt.text,
			fmt.Sprintf("the parts of the names of rotated files add up to %d bytes", together),
			fmt.Sprintf("at most %d in all", maxNamePartsBytes))
	}
	tail := policy.DateFormat + policy.AddExtension
	for _, reserved := range reservedTails {
		if policy.DateExt && strings.HasPrefix(tail+policy.CompressExt(), reserved) {
			return p.errorAt(p.nameAt.mark, p.nameAt.text, fmt.Sprintf("makes names that begin like %q, which is not a rotated file's", reserved),
				"a dateformat with the date in front, as -%Y%m%d")
		}
	}
	return nil
}

// maxNamePartsBytes is what is left of the 255 bytes of a name for all parts that a text
// gives, beside the live file's own, a counter, and the marks of files under way.
const maxNamePartsBytes = 128

// reservedTails are what follows the live file's name in names of other files of the
// logger.
var reservedTails = []string{".logrotate.", ".impostor-"}

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
		reason := "bad path"
		if why := mistake(text); why != "" {
			reason += ": " + why
		}
		return "", at, p.errorAt(at, text, reason, "one word without blanks and control characters")
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
			return p.errorAt(p.oldDirAt.mark, dir, "an absolute olddir cannot be beneath every sandbox", "a relative path, as olddir old")
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
