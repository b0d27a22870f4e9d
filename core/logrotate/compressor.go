package logrotate

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// readCompressCmd reads a program, or nice and a program, with options.
func readCompressCmd(p *parser, key word) error {
	text, at, ok := p.value()
	if !ok || text == "" {
		return p.missing(key, "a program, such as gzip or zstd")
	}
	if !plain(text, true) {
		return p.errorAt(at, text, "bad program", "the path of a program without control characters")
	}
	words := strings.Fields(text)
	if len(words) > 1 {
		wrapped := wrappers[path.Base(words[0])]
		if words = unwrap(words); !wrapped || len(words) == 0 || programs[path.Base(words[0])] == "" {
			return p.errorAt(at, text, "a program and its options stand in two directives", "the program in compresscmd, its options in compressoptions")
		}
	}
	p.compressorAt, p.compressorKey = &word{mark: at, text: text}, key
	p.commandOptions = words[1:]
	p.setProgram(words[0])
	return nil
}

// setProgram takes over a program, by its name a method that is built in.
func (p *parser) setProgram(program string) {
	c := &p.policy.Compressor
	name := path.Base(program)
	c.Program, c.External = program, true
	if built := programs[name]; built != "" {
		c.Program, c.External, c.Ext = built, false, methods[built].ext
	}
	if ext, known := extensions[name]; known {
		c.Ext = ext
	}
}

// readUncompressCmd takes a program with its options too, as nothing of it is in force.
func readUncompressCmd(p *parser, key word) error {
	text, at, ok := p.value()
	if !ok || text == "" {
		return p.missing(key, "a program")
	}
	if !plain(text, true) {
		return p.errorAt(at, text, "bad program", "the path of a program without control characters")
	}
	p.warn(key, "without effect: only mail would need it")
	return nil
}

func readCompressExt(p *parser, key word) error {
	text, at, err := p.path(key)
	if err != nil {
		return err
	}
	if strings.Contains(text, "/") || len(text) > maxNamePartBytes {
		return p.errorAt(at, text, "cannot be the ending of a file name", "at most 100 bytes without a slash, as .gz")
	}
	if strings.Trim(text, "0123456789.") == "" {
		return p.errorAt(at, text, "would make names of compressed files that are those of others, as stdout.10 of stdout.1",
			"an ending with a letter, as .gz")
	}
	p.policy.Compressor.Ext = text
	p.extSet = true
	return nil
}

func readCompressOptions(p *parser, key word) error {
	text, at := p.rest()
	if text == "" {
		return p.errorAt(key.mark, key.text, "the value is missing", "words with balanced quotes")
	}
	if words, ok := SplitWords(text); !ok || len(words) == 0 || !plain(text, true) {
		return p.errorAt(at, text, "bad value of compressoptions", "words with balanced quotes")
	}
	p.policy.Compressor.Options = text
	p.optionsAt = &word{mark: at, text: text}
	return nil
}

// checkCompressor decides whether the program may be run, and what its options say.
func (p *parser) checkCompressor() error {
	c := &p.policy.Compressor
	if !p.policy.Compress {
		return nil
	}
	words, _ := SplitWords(c.Options)
	words = append(p.commandOptions[:len(p.commandOptions):len(p.commandOptions)], words...)
	if c.External && wrappers[path.Base(c.Program)] {
		// The program that nice starts is the first of its options.
		if command := unwrap(append([]string{c.Program}, words...)); len(command) > 0 && programs[path.Base(command[0])] != "" {
			ext := c.Ext
			p.setProgram(command[0])
			if p.extSet {
				c.Ext = ext
			}
			words = command[1:]
			c.Options = strings.Join(words, " ")
		}
	} else if len(p.commandOptions) > 0 {
		c.Options = strings.Join(words, " ")
	}
	if c.External {
		return p.permitProgram()
	}
	return p.readMethodOptions(words)
}

// permitProgram refuses an external program, or leaves it out, where its author may not
// run any.
func (p *parser) permitProgram() error {
	err := p.permitCommand(*p.compressorAt, "an external compressor", "gzip, zstd, xz or bzip2, which are built in")
	switch {
	case err != nil && p.rules.Recorded:
		p.warn(p.compressorKey, "left out, files stay plain: an external compressor may not be run any more")
		p.policy.Compressor.External, p.policy.Compressor.Withheld = false, true
		return nil
	case err != nil && p.rules.leavesOut():
		p.warn(p.compressorKey, "left out, gzip is used: "+scriptsOfTasks)
		p.policy.Compressor = defaults().Compressor
		return nil
	}
	return err
}

// readMethodOptions reads the options of a method that is built in.
func (p *parser) readMethodOptions(words []string) error {
	c := &p.policy.Compressor
	m := methods[c.Program]
	o, bad := m.read(words)
	if bad != "" {
		at := p.optionsAt
		if at == nil || slices.Contains(p.commandOptions, bad) {
			at = p.compressorAt
		}
		reason := "not an option of the built-in " + c.Program
		if strings.HasPrefix(bad, "#") {
			reason += ": " + mistake(bad)
		}
		return p.errorAt(at.within(bad), bad, reason,
			fmt.Sprintf("a level from -%d to -%d, --fast or --best, or what changes nothing for a reader, as -q", m.least, m.highest))
	}
	c.Level = o.level
	if len(o.idle) > 0 {
		at := p.compressorAt
		if p.optionsAt != nil {
			at = p.optionsAt
		}
		p.warn(word{at.mark, strings.Join(o.idle, " ")},
			"without effect: compression runs beside the logger, with one thread, and leaves what every reader of the format can read")
	}
	return nil
}

// SplitWords splits a text at white space as popt does: single and double quotes
// hold words together, a backslash takes the next byte as it is. It reports false
// where a quote is not closed.
func SplitWords(text string) (words []string, ok bool) {
	var word strings.Builder
	inWord, quote := false, byte(0)
	for i := 0; i < len(text); i++ {
		b := text[i]
		switch {
		case quote != 0 && b == quote:
			quote = 0
		case b == '\\' && i+1 < len(text) && (quote == 0 || text[i+1] == quote || text[i+1] == '\\'):
			i++
			word.WriteByte(text[i])
			inWord = true
		case quote == 0 && (b == '"' || b == '\''):
			quote, inWord = b, true
		case quote == 0 && isSpace(b):
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteByte(b)
			inWord = true
		}
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, quote == 0
}
