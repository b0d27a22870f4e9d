package logrotate

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

// extensions is what compresscmd makes of the ending, by the program's name.
var extensions = map[string]string{
	"gzip": ".gz", "bzip2": ".bz2", "xz": ".xz", "zstd": ".zst", "compress": ".Z", "zip": "zip",
}

// builtIn gives the highest level of the methods that need no program.
var builtIn = map[string]int{"gzip": 9, "zstd": 19}

func readCompressCmd(p *parser, key word) error {
	text, at, err := p.path(key)
	if err != nil {
		return err
	}
	c := &p.policy.Compressor
	name := path.Base(text)
	c.Program, p.compressorAt = text, &word{mark: at, text: text}
	_, ours := builtIn[name]
	c.External = !ours
	if ours {
		c.Program = name
	}
	if ext, known := extensions[name]; known {
		c.Ext = ext
	}
	return nil
}

func readUncompressCmd(p *parser, key word) error {
	_, _, err := p.path(key)
	if err == nil {
		p.warn(key, "without effect: only mail would need it")
	}
	return err
}

func readCompressExt(p *parser, key word) error {
	text, at, err := p.path(key)
	if err != nil {
		return err
	}
	if strings.Contains(text, "/") || len(text) > maxNamePartBytes {
		return p.errorAt(at, text, "cannot be the ending of a file name", "at most 100 bytes without a slash, as .gz")
	}
	p.policy.Compressor.Ext = text
	return nil
}

func readCompressOptions(p *parser, _ word) error {
	text, at := p.rest()
	p.policy.Compressor.Options = text
	p.optionsAt = &word{mark: at, text: text}
	if words, ok := SplitWords(text); !ok || len(words) == 0 || !plain(text, true) {
		return p.errorAt(at, text, "bad value of compressoptions", "words with balanced quotes")
	}
	return nil
}

// checkCompressor decides whether the program may be run, and what its options say.
func (p *parser) checkCompressor() error {
	c := &p.policy.Compressor
	if !p.policy.Compress {
		return nil
	}
	if c.External {
		return p.permitCommand(*p.compressorAt, "an external compressor", "gzip or zstd, which are built in")
	}
	highest := builtIn[c.Program]
	words, _ := SplitWords(c.Options)
	for _, w := range words {
		level, ok := levelOption(w, highest)
		if !ok {
			return p.errorAt(p.optionsAt.mark, w, fmt.Sprintf("not an option of the built-in %s", c.Program),
				fmt.Sprintf("a level from -1 to -%d, --fast, --best or -n", highest))
		}
		if level > 0 {
			c.Level = level
		}
	}
	return nil
}

// levelOption reads one option of the built-in methods; a level of 0 leaves it.
func levelOption(option string, highest int) (int, bool) {
	switch option {
	case "-n", "--no-name":
		return 0, true
	case "--fast":
		return 1, true
	case "--best":
		return highest, true
	}
	digits, ok := strings.CutPrefix(option, "-")
	level, err := strconv.ParseUint(digits, 10, 8)
	return int(level), ok && err == nil && level >= 1 && int(level) <= highest
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
