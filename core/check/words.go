package check

import (
	"fmt"
	"strings"
	"time"

	"sluice/core/logformat"
	"sluice/core/logrotate"
	"sluice/core/settings"
)

// Policy is what holds for one stream, in words.
type Policy struct {
	Stream string   `json:"stream"`
	Words  []string `json:"words"`
	// MostBytes is the most disk that its files take, uncompressed; -1 is no bound.
	MostBytes int64 `json:"most_bytes"`
}

// describe puts the settings of a stream into words.
func describe(name string, s settings.Stream) Policy {
	p := Policy{Stream: name}
	if s.Discard {
		p.Words = []string{fmt.Sprintf("is discarded: the container writes into /dev/null, nothing is kept or counted (%s)", s.DiscardFrom)}
		return p
	}
	p.MostBytes = mostBytes(s)
	p.Words = append(p.Words, "is rotated before the file passes "+limit(s), kept(s.Policy)+from(s, "rotate"))
	p.Words = append(p.Words, naming(name, s.Policy)...)
	p.Words = append(p.Words, triggers(s.Policy)...)
	if s.MaxRateBytes > 0 {
		p.Words = append(p.Words, fmt.Sprintf("at most %s per second, by holding the container back (%s)", sizeWords(s.MaxRateBytes), s.MaxRateFrom))
	}
	if s.Policy.Scripts.Any() {
		p.Words = append(p.Words, "commands of the options run on the host, as the task's user")
	}
	if s.Times > 0 && s.FirstBytes == 0 {
		p.Words = append(p.Words, fmt.Sprintf("when it was written is kept, to %s, in %s (parameter times)", duration(s.Times), logformat.TimesName(name)))
	}
	p.Words = append(p.Words, whenFull(s.WhenFull))
	return p
}

// limit is the size of the live file and where it comes from.
func limit(s settings.Stream) string {
	if most := s.Policy.LimitBytes(s.MaxBytes); most < s.MaxBytes {
		return fmt.Sprintf("%s%s", sizeWords(most), from(s, "maxsize"))
	}
	return fmt.Sprintf("%s (%s)", sizeWords(s.MaxBytes), s.MaxBytesFrom)
}

// from names the line of the options that a directive comes from.
func from(s settings.Stream, directive string) string {
	if line := s.Policy.SourceOf(directive); line > 0 {
		return fmt.Sprintf(" (%s, line %d)", s.OptionsFrom, line)
	}
	return " (default)"
}

func kept(p logrotate.Policy) string {
	switch {
	case p.Rotate < 0:
		return "every rotated file is kept, without bound"
	case p.Rotate == 0:
		return "no rotated file is kept: all that was logged is deleted each time the file is full"
	case p.Rotate == 1:
		return "1 rotated file is kept"
	}
	return fmt.Sprintf("%d rotated files are kept", p.Rotate)
}

// naming tells what the rotated files are called and how they are stored.
func naming(name string, p logrotate.Policy) (words []string) {
	switch {
	case p.Rotate == 0:
		return nil
	case p.DateExt && p.DateFormat == "":
		words = append(words, "they are named by the day, as in "+name+"-20241231, with a counter behind it where there are several")
	case p.DateExt:
		words = append(words, fmt.Sprintf("they are named by date, %q, with a counter behind it where there are several", p.DateFormat))
	case p.Rotate == 1:
		words = append(words, fmt.Sprintf("it is named by its number, %s.%d", name, p.Start))
	default:
		words = append(words, fmt.Sprintf("they are named by number, %s.%d being the youngest", name, p.Start))
	}
	if p.OldDir != "" {
		words = append(words, fmt.Sprintf("they are moved to the directory %q of the sandbox", p.OldDir))
	}
	if p.Compress {
		text := fmt.Sprintf("they are compressed by %s, to %s", p.Compressor.Program, p.Compressor.Ext)
		if p.DelayCompress {
			text += ", one rotation later"
		}
		words = append(words, text)
	}
	if p.MaxAge > 0 {
		words = append(words, fmt.Sprintf("they are deleted after %d days", p.MaxAge/logrotate.Day))
	}
	return words
}

var periods = map[logrotate.Period]string{
	logrotate.Hourly: "hour", logrotate.Daily: "day", logrotate.Weekly: "week", logrotate.Monthly: "month", logrotate.Yearly: "year",
}

func triggers(p logrotate.Policy) (words []string) {
	if every := periods[p.Every]; every != "" {
		words = append(words, "is rotated every "+every+" too, whatever its size")
	}
	if p.NotIfEmpty && p.Every != logrotate.Never {
		words = append(words, "is not rotated while it is empty")
	}
	return words
}

func whenFull(w settings.WhenFull) string {
	words := []string{"on a full disk"}
	if w.Evict {
		words = append(words, "its oldest rotated files go first, then")
	}
	if w.Wait > 0 {
		words = append(words, fmt.Sprintf("the container is held back for %s, then", duration(w.Wait)))
	}
	if w.Policy == settings.Block {
		words = append(words, "it waits until there is room")
	} else {
		words = append(words, "its output is dropped, counted and marked in the log until there is room")
	}
	return strings.Join(words, " ")
}

func duration(d time.Duration) string { return settings.FormatDuration(d) }

// sizeWords is a size as people read it.
func sizeWords(bytes int64) string { return settings.ShortSize(bytes) }
