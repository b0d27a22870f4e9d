package settings

import (
	"errors"
	"fmt"
	"math"
	"path"
	"strconv"
	"strings"
	"time"
)

// The forms of values, as messages and documents name them.
const (
	sizeForm     = "a whole number and B, KB, MB, GB or TB, such as 10MB"
	durationForm = "a number and ns, us, ms, secs, mins, hrs, days or weeks, such as 5secs"
	switchForm   = "true or false"
	rateForm     = "off, or bytes per second as " + sizeForm
	pathForm     = "an absolute path"
	ceilingForm  = "none, or " + sizeForm
	countForm    = "none, or a whole number"
	overrideForm = "refuse, clamp or ignore"
	onFullForm   = "drop or block"
	outputForm   = "rotate or discard"
	debugForm    = "rotate, first or discard"
	budgetForm   = "off, or " + sizeForm
	freeForm     = "off, a percentage such as 5%, or " + sizeForm

	directivesForm = "safe, for all that lead nowhere else; none; or directives of logrotate with commas between them"
)

// sizeUnits are powers of 1024, as in stout (bytes.hpp).
var sizeUnits = map[string]int64{"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}

// durationUnits are stout's (duration.hpp), matched exactly.
var durationUnits = map[string]time.Duration{
	"ns": time.Nanosecond, "us": time.Microsecond, "ms": time.Millisecond,
	"secs": time.Second, "mins": time.Minute, "hrs": time.Hour,
	"days": 24 * time.Hour, "weeks": 7 * 24 * time.Hour,
}

var errEmpty = errors.New("is empty")

// parseSize reads a size in stout's form: digits and a unit in any case, nothing
// between, before or behind.
func parseSize(text string) (int64, error) {
	if text == "" {
		return 0, errEmpty
	}
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	unit := text[digits:]
	switch {
	case strings.HasPrefix(unit, "-"):
		return 0, errors.New("is negative")
	case digits == 0:
		return 0, errors.New("does not begin with a number")
	case strings.HasPrefix(unit, "."):
		return 0, errors.New("is not a whole number")
	case unit == "":
		return 0, errors.New("has no unit")
	}
	factor, known := sizeUnits[strings.ToUpper(unit)]
	if !known {
		return 0, fmt.Errorf("has the unknown unit %s", quoted(unit))
	}
	number, err := strconv.ParseInt(text[:digits], 10, 64)
	if err != nil || number > math.MaxInt64/factor {
		return 0, errors.New("is too large")
	}
	return number * factor, nil
}

// parseDuration reads a duration in stout's form: a number, which may have a
// fraction, and a unit.
func parseDuration(text string) (time.Duration, error) {
	if text == "" {
		return 0, errEmpty
	}
	digits := len(text) - len(strings.TrimLeft(text, "0123456789."))
	unit := text[digits:]
	switch {
	case strings.HasPrefix(unit, "-"):
		return 0, errors.New("is negative")
	case digits == 0:
		return 0, errors.New("does not begin with a number")
	case unit == "":
		return 0, errors.New("has no unit")
	}
	factor, known := durationUnits[unit]
	if !known {
		return 0, fmt.Errorf("has the unknown unit %s", quoted(unit))
	}
	number, err := strconv.ParseFloat(text[:digits], 64)
	if errors.Is(err, strconv.ErrSyntax) {
		return 0, errors.New("does not begin with a number")
	}
	if err != nil || number*float64(factor) >= math.MaxInt64 {
		return 0, errors.New("is too long")
	}
	return time.Duration(math.Round(number * float64(factor))), nil
}

// parseSwitch reads what stout takes for a boolean.
func parseSwitch(text string) (bool, error) {
	switch text {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	case "":
		return false, errEmpty
	}
	return false, errors.New("is neither")
}

// parsePath reads an absolute path and cleans it.
func parsePath(text string) (string, error) {
	switch {
	case text == "":
		return "", errEmpty
	case !path.IsAbs(text):
		return "", errors.New("is relative")
	case strings.ContainsRune(text, 0):
		return "", errors.New("has a NUL in it")
	}
	return path.Clean(text), nil
}
