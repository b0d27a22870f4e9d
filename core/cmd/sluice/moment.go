package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// momentHelp says what --since and --until take.
const momentHelp = `WHEN of --since and --until is one of
  * a duration before now: 90s, 5m, 2h, 1d, 2w, 1h30m, or as the logger's parameters have it,
    5mins, 2hrs, 1days;
  * a time with its zone: 2026-11-22T14:00:00Z, 2026-11-22T14:00:00.5+01:00;
  * a time in the zone of this machine (TZ): "2026-11-22 14:00", 2026-11-22T14:00:00,
    2026-11-22, or a time of day for the last time that it was: 14:00, 14:00:30;
  * a Unix time, of nine digits or more: 1795356000, 1795356000.5.`

// units of durations: Go's and the product's own (stout's), and days and weeks in short.
var units = map[string]time.Duration{
	"ns": time.Nanosecond, "us": time.Microsecond, "ms": time.Millisecond,
	"s": time.Second, "sec": time.Second, "secs": time.Second,
	"m": time.Minute, "min": time.Minute, "mins": time.Minute,
	"h": time.Hour, "hr": time.Hour, "hrs": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour,
	"w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour, "weeks": 7 * 24 * time.Hour,
}

// parseDuration reads numbers with units, one after the other.
func parseDuration(text string) (sum time.Duration, ok bool) {
	const longest = float64(1<<63 - 1)
	for text != "" {
		digits := len(text) - len(strings.TrimLeft(text, "0123456789."))
		number, err := strconv.ParseFloat(text[:digits], 64)
		if err != nil {
			return 0, false
		}
		text = text[digits:]
		letters := len(text) - len(strings.TrimLeft(text, "abcdefghijklmnopqrstuvwxyz"))
		unit, known := units[text[:letters]]
		if !known || float64(sum)+number*float64(unit) >= longest {
			return 0, false
		}
		sum += time.Duration(number * float64(unit))
		text = text[letters:]
		ok = true
	}
	return sum, ok
}

// unixDigits are the least of a Unix time: fewer are rather a duration without its unit.
const unixDigits = 9

// parseMoment reads what --since and --until take; nothing gives the zero time.
func parseMoment(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, ok := parseDuration(text); ok {
		return now.Add(-ago), nil
	}
	if whole, _, _ := strings.Cut(text, "."); len(whole) >= unixDigits && strings.Trim(whole, "0123456789") == "" {
		if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds < 1e11 {
			return time.UnixMicro(int64(math.Round(seconds * 1e6))), nil
		}
	}
	layouts := []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime, "2006-01-02 15:04", time.DateOnly}
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, nil
		}
	}
	for _, layout := range []string{"15:04", "15:04:05"} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return lastTime(t, now), nil
		}
	}
	hint := ""
	switch {
	case strings.HasPrefix(text, "-"):
		hint = "; a duration is before now as it is"
	case strings.Trim(text, "0123456789") == "":
		hint = "; the number has no unit, and is too short for a Unix time"
	}
	return time.Time{}, usagef("--%s=%s: expected a duration before now such as 90s, 2h or 1d, a time such as 2026-11-22T14:00:00Z, "+
		`"2026-11-22 14:00" or 14:00, or a Unix time%s`, flag, text, hint)
}

// lastTime is when it was that time of day last.
func lastTime(of, now time.Time) time.Time {
	day := now
	for {
		t := time.Date(day.Year(), day.Month(), day.Day(), of.Hour(), of.Minute(), of.Second(), 0, now.Location())
		if !t.After(now) {
			return t
		}
		day = day.AddDate(0, 0, -1)
	}
}

// parseSpan reads what --since and --until say.
func parseSpan(since, until string, now time.Time) (from, to time.Time, err error) {
	if from, err = parseMoment("since", since, now); err != nil {
		return from, to, err
	}
	if to, err = parseMoment("until", until, now); err != nil {
		return from, to, err
	}
	if !from.IsZero() && !to.IsZero() && to.Before(from) {
		return from, to, usagef("--since=%s --until=%s: the end is before the beginning, by %s", since, until, from.Sub(to).Round(time.Second))
	}
	return from, to, nil
}

// lineCount is the value of --lines.
type lineCount int64

func (n *lineCount) String() string { return strconv.FormatInt(int64(*n), 10) }
func (n *lineCount) Type() string   { return "int" }

func (n *lineCount) Set(text string) error {
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil || number < -1 {
		return fmt.Errorf("expected a number of lines, or -1 for all")
	}
	*n = lineCount(number)
	return nil
}

// span is a duration as the value of a flag.
type span time.Duration

func (d *span) String() string { return time.Duration(*d).String() }
func (d *span) Type() string   { return "duration" }

func (d *span) Set(text string) error {
	value, ok := parseDuration(text)
	if !ok {
		return fmt.Errorf("expected a duration such as 1s or 500ms")
	}
	*d = span(value)
	return nil
}
