package logrotate

import "fmt"

// strangers are characters that look like nothing, or like others: text that was copied
// from a page or a document has them.
var strangers = map[rune]string{
	0x00a0: "is a no-break space",
	0x00ad: "is a soft hyphen",
	0x2007: "is a figure space",
	0x2009: "is a thin space",
	0x200b: "is a zero-width space",
	0x200c: "is a zero-width non-joiner",
	0x200d: "is a zero-width joiner",
	0x200e: "is a left-to-right mark",
	0x200f: "is a right-to-left mark",
	0x2028: "is a line separator, not a new line",
	0x2029: "is a paragraph separator, not a new line",
	0x202f: "is a narrow no-break space",
	0x2060: "is a word joiner",
	0x3000: "is an ideographic space",
	0xfeff: "is a byte order mark",
	0x2010: "is a typographic hyphen, not -",
	0x2011: "is a no-break hyphen, not -",
	0x2012: "is a figure dash, not -",
	0x2013: "is a dash, not -",
	0x2014: "is a dash, not -",
	0x2212: "is a minus sign, not -",
	0x2018: "is a typographic quote",
	0x2019: "is a typographic quote",
	0x201c: "is a typographic quote",
	0x201d: "is a typographic quote",
	0xff1d: "is a wide equals sign, not =",
}

// strangerNamed tells of the first such character by code and name, in brackets.
func strangerNamed(untrusted string) string {
	for _, r := range untrusted {
		if name, known := strangers[r]; known {
			return fmt.Sprintf(" (U+%04X %s)", r, name)
		}
	}
	return ""
}
