package logrotate

import (
	"path"
	"strconv"
	"strings"
)

// method is a compression that needs no program.
type method struct {
	// ext is the ending that its files get.
	ext string
	// least and highest bound the level; several digits in a row are one level where
	// long is set, else one option each.
	least, highest int
	long           bool
	// plain are the short options without a value, numbered those with a number behind
	// them or in the next word. None changes what a reader finds.
	plain, numbered string
	// words are the long options, those with a value ending in "=".
	words []string
	// best is what --best means.
	best int
}

// methods are the built-in ones. Their options are those of the program of that name
// and of the parallel ones that write the same format.
var methods = map[string]method{
	"gzip": {
		ext: ".gz", least: 1, highest: 9, best: 9, plain: "nNqfkcvR", numbered: "pb",
		words: []string{"--no-name", "--name", "--rsyncable", "--processes=", "--blocksize=", "--synchronous"},
	},
	"zstd": {
		ext: ".zst", least: 1, highest: 22, best: 19, long: true, plain: "qfkczv", numbered: "Tp",
		words: []string{
			"--threads=", "--long", "--long=", "--ultra", "--rm", "--rsyncable", "--adapt", "--single-thread", "--no-progress",
			"--check", "--no-check", "--sparse", "--no-sparse", "--compress",
		},
	},
	"xz": {
		ext: ".xz", least: 0, highest: 9, best: 9, plain: "ezkcfqvQ", numbered: "T",
		words: []string{
			"--extreme", "--threads=", "--compress", "--check=", "--memlimit=", "--memlimit-compress=", "--no-warn", "--no-adjust",
			"--no-sparse", "--block-size=",
		},
	},
	"bzip2": {
		ext: ".bz2", least: 1, highest: 9, best: 9, plain: "zkcfqsv", numbered: "pnm",
		words: []string{"--small", "--compress", "--exponential", "--repetitive-fast", "--repetitive-best"},
	},
}

// everywhere are long options that all programs have.
var everywhere = []string{"--quiet", "--force", "--keep", "--stdout", "--to-stdout", "--verbose"}

// programs names the built-in method that writes what a program writes.
var programs = map[string]string{
	"gzip": "gzip", "pigz": "gzip",
	"zstd": "zstd", "zstdmt": "zstd", "pzstd": "zstd",
	"xz": "xz", "pxz": "xz", "pixz": "xz",
	"bzip2": "bzip2", "pbzip2": "bzip2", "lbzip2": "bzip2",
}

// extensions is what compresscmd makes of the ending, by the name of a program that is
// not built in, as in logrotate.
var extensions = map[string]string{"compress": ".Z", "zip": "zip"}

// wrappers run another program at another priority.
var wrappers = map[string]bool{"nice": true, "ionice": true}

// unwrap takes nice and ionice with their options from the beginning of a command.
func unwrap(command []string) []string {
	for len(command) > 0 && wrappers[path.Base(command[0])] {
		command = command[1:]
		for len(command) > 0 && strings.HasPrefix(command[0], "-") {
			option := command[0]
			command = command[1:]
			// A letter alone has its number in the next word: -n 19, -c 3.
			if (option == "-n" || option == "-c") && len(command) > 0 {
				command = command[1:]
			}
		}
	}
	return command
}

// options is what a method makes of its options.
type options struct {
	level int
	// idle are those that are without effect here.
	idle []string
}

// read reads options; where one is not the method's, it is bad.
func (m method) read(words []string) (o options, bad string) {
	for i := 0; i < len(words); i++ {
		word := words[i]
		switch {
		case word == "--fast", strings.HasPrefix(word, "--fast=") && m.long:
			o.level = 1
		case word == "--best", word == "-11" && m.ext == ".gz": // pigz(1) has a level of 11
			o.level = m.best
		case m.idle(word):
			o.idle = append(o.idle, word)
		case m.letters(word, &o):
			last := word[len(word)-1]
			if strings.IndexByte(m.numbered, last) >= 0 && i+1 < len(words) && allDigits(words[i+1]) {
				i++
				word += " " + words[i]
			}
			if strings.ContainsAny(word, m.numbered) {
				o.idle = append(o.idle, word)
			}
		default:
			return o, word
		}
	}
	return o, ""
}

// idle says that a long option is known.
func (m method) idle(word string) bool {
	name, _, valued := strings.Cut(word, "=")
	if valued {
		name += "="
	}
	for _, known := range [][]string{m.words, everywhere} {
		for _, w := range known {
			if w == name {
				return true
			}
		}
	}
	return false
}

// letters reads short options, which may be joined: -9n, -7T0.
func (m method) letters(word string, o *options) bool {
	rest, short := strings.CutPrefix(word, "-")
	if !short || rest == "" {
		return false
	}
	for rest != "" {
		letter := rest[0]
		switch {
		case letter >= '0' && letter <= '9':
			digits := 1
			if m.long {
				digits = len(rest) - len(strings.TrimLeft(rest, "0123456789"))
			}
			level, err := strconv.Atoi(rest[:digits])
			if err != nil || level < m.least || level > m.highest {
				return false
			}
			o.level, rest = level, rest[digits:]
		case strings.IndexByte(m.numbered, letter) >= 0:
			rest = strings.TrimLeft(rest[1:], "0123456789")
		case strings.IndexByte(m.plain, letter) >= 0:
			rest = rest[1:]
		default:
			return false
		}
	}
	return true
}

func allDigits(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }
