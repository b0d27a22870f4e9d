package logrotate

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// maxFiles bounds the numbers of files and slots, so that no arithmetic on them
// overflows.
const maxFiles = math.MaxInt32 / 2

// number reads a value as C's strtol does with base 0: a sign, then 0x1F, 017 or
// 15. The whole value must be one number.
func number(untrusted string) (int64, bool) {
	digits, negative := strings.CutPrefix(untrusted, "-")
	if !negative {
		digits = strings.TrimPrefix(untrusted, "+")
	}
	base := 10
	switch {
	case len(digits) > 2 && (digits[:2] == "0x" || digits[:2] == "0X"):
		base, digits = 16, digits[2:]
	case len(digits) > 1 && digits[0] == '0':
		base, digits = 8, digits[1:]
	}
	n, err := strconv.ParseUint(digits, base, 63)
	if err != nil {
		return 0, false
	}
	if negative {
		return -int64(n), true
	}
	return int64(n), true
}

// count reads a whole number between least and most.
func (p *parser) count(key word, least, most int64, expected string) (int64, error) {
	text, at, ok := p.value()
	if !ok {
		return 0, p.missing(key, expected)
	}
	n, ok := number(text)
	if !ok || n < least || n > most {
		return 0, p.errorAt(at, text, "bad value of "+key.text, expected)
	}
	return n, nil
}

func readRotate(p *parser, key word) error {
	n, err := p.count(key, -1, maxFiles, "a whole number of files to keep, 0 for none, -1 for all")
	p.policy.Rotate, p.policy.RotateSet = int(n), true
	return err
}

func readStart(p *parser, key word) error {
	n, err := p.count(key, 0, maxFiles, "the number of the youngest rotated file, 0 or more")
	p.policy.Start = int(n)
	return err
}

func readMaxAge(p *parser, key word) error {
	n, err := p.count(key, 0, math.MaxInt32, "a whole number of days, 0 for no limit")
	p.policy.MaxAge = time.Duration(min(n, int64(math.MaxInt64/Day))) * Day
	return err
}

func readIgnoredCount(why string) reader {
	return func(p *parser, key word) error {
		_, err := p.count(key, 0, math.MaxInt32, "a whole number")
		if err == nil {
			p.warn(key, "without effect: "+why)
		}
		return err
	}
}

// size reads bytes with an optional unit. A missing value is only a warning in the
// language; ok is false then.
func (p *parser) size(key word) (sizeBytes int64, ok bool, err error) {
	const expected = "a whole number of bytes, or one with k, M or G"
	text, at, ok := p.value()
	if !ok || text == "" {
		p.warn(key, "the value is missing; the line is ignored")
		return 0, false, nil
	}
	digits, unit := strings.TrimRight(text, "kKMG"), int64(1)
	switch text[len(digits):] {
	case "":
	case "k", "K":
		unit = 1 << 10
	case "M":
		unit = 1 << 20
	case "G":
		unit = 1 << 30
	default:
		digits = ""
	}
	n, ok := number(digits)
	// Of a hexadecimal number the last digit is taken for a unit.
	if last := text[len(text)-1]; unit == 1 && (last < '0' || last > '9') {
		ok = false
	}
	if !ok || n < 0 || n > math.MaxInt64/unit {
		return 0, false, p.errorAt(at, text, "bad value of "+key.text, expected)
	}
	return n * unit, true, nil
}

func readMaxSize(p *parser, key word) error {
	n, ok, err := p.size(key)
	if ok {
		p.policy.MaxSizeBytes = n
	}
	return err
}

func readIgnoredSize(why string) reader {
	return func(p *parser, key word) error {
		_, ok, err := p.size(key)
		if ok {
			p.warn(key, "without effect: "+why)
		}
		return err
	}
}

func readWeekly(p *parser, key word) error {
	p.policy.Every, p.policy.Weekday = Weekly, 0
	day, at := p.rest()
	if day == "" {
		return nil
	}
	n, err := strconv.ParseUint(day, 10, 8)
	if err != nil || n > 7 {
		return p.errorAt(at, day, "bad value of "+key.text, "a day of the week from 0 (Sunday) to 6, or 7 for any")
	}
	p.policy.Weekday = int(n)
	return nil
}
