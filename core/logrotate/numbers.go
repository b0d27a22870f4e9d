package logrotate

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxFiles bounds the numbers of files and slots, so that no arithmetic on them
// overflows.
const maxFiles = math.MaxInt32 / 2

// number reads a value as C's strtol does with base 0: a sign, then 0x1F, 017 or
// 15. The whole value must be one number; else why says what is wrong with it, where
// that is more than that it is none.
func number(untrusted string) (n int64, why string, ok bool) {
	digits, negative := strings.CutPrefix(untrusted, "-")
	if !negative {
		digits = strings.TrimPrefix(untrusted, "+")
	}
	base := 10
	switch {
	case len(digits) > 2 && (digits[:2] == "0x" || digits[:2] == "0X"):
		base, digits = 16, digits[2:]
	case octal(digits):
		base, digits = 8, digits[1:]
	}
	value, err := strconv.ParseUint(digits, base, 63)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, "the number is too large", false
	case err != nil && base == 8 && allDigits(digits):
		return 0, "what begins with 0 is octal, which has no 8 and 9", false
	case err != nil:
		return 0, "", false
	}
	if negative {
		return -int64(value), "", true
	}
	return int64(value), "", true
}

// octal says that a number begins with 0 and goes on.
func octal(digits string) bool { return len(digits) > 1 && digits[0] == '0' && allDigits(digits) }

// warnOctal tells of a number whose value is hardly what was meant.
func (p *parser) warnOctal(key word, digits string, value int64) {
	digits = strings.TrimLeft(digits, "+-")
	if octal(digits) && strings.TrimLeft(digits, "0") != strconv.FormatInt(value, 10) && value != 0 {
		p.warn(key, fmt.Sprintf("%s begins with 0 and is octal: it means %d", clip(digits), value))
	}
}

// count reads a whole number between least and most.
func (p *parser) count(key word, least, most int64, expected string) (int64, error) {
	text, at, ok := p.value()
	if !ok {
		return 0, p.missing(key, expected)
	}
	n, why, ok := number(text)
	switch {
	case !ok && why == "":
		why = mistake(text)
	case ok && n > most:
		why, ok = fmt.Sprintf("the number is too large, at most %d", most), false
	}
	if !ok || n < least {
		return 0, p.errorAt(at, text, badValue(key.text, why), expected)
	}
	p.warnOctal(key, text, n)
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
	n, why, ok := number(digits)
	// Of a hexadecimal number the last digit is taken for a unit.
	if last := text[len(text)-1]; unit == 1 && (last < '0' || last > '9') {
		ok = false
	}
	if ok && n > math.MaxInt64/unit {
		why, ok = "the number is too large", false
	}
	if !ok || n < 0 {
		return 0, false, p.errorAt(at, text, badValue(key.text, cmp.Or(why, unitHint(text), mistake(text))), expected)
	}
	p.warnOctal(key, digits, n)
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
		return p.errorAt(at, day, badValue(key.text, weekdayHint(day)), "a day of the week from 0 (Sunday) to 6, or 7 for any")
	}
	p.policy.Weekday = int(n)
	return nil
}
