package check

import (
	"strings"

	"sluice/core/logrotate"
	"sluice/core/settings"
)

// advise warns of what is legal and, most times, not what was meant.
func (r *Report) advise(name string, s settings.Stream) {
	if s.Discard {
		return
	}
	p := s.Policy
	warn := func(format string, values ...any) {
		r.add(Warning, position{}, name+": "+format, values...)
	}
	switch {
	case p.Rotate < 0:
		warn("rotate -1 keeps every file: the disk fills up; expected a number of files, with maxage if files are to go by age")
	case p.Rotate == 0 && s.FirstBytes == 0:
		warn("rotate 0 keeps no rotated file: all that was logged is deleted each time the file is full; expected rotate 1 or more")
	}
	if p.Compress && !p.DelayCompress && p.Rotate != 0 {
		warn("compress without delaycompress: a log shipper that still reads a file when it is rotated loses the rest of it; " +
			"expected delaycompress, or a shipper that reads " + p.Compressor.Ext)
	}
	if p.DelayCompress && !p.Compress {
		warn("delaycompress has no effect without compress")
	}
	if p.MaxSizeBytes > s.MaxBytes {
		warn("maxsize %s is above the limit of %s (%s) and has no effect", sizeWords(p.MaxSizeBytes), sizeWords(s.MaxBytes), s.MaxBytesFrom)
	}
	if p.Extension != "" && !strings.HasSuffix(name, p.Extension) {
		warn("extension %q has no effect: the name of the file does not end so; expected addextension", p.Extension)
	}
	r.adviseDates(warn, p)
	if s.WhenFull.Policy == settings.Block {
		warn("on_full=block: a full disk stops the container at its next line, until there is room (%s)", s.WhenFull.PolicyFrom)
	}
}

// resolution is how fine a date format is.
var resolution = map[string]logrotate.Period{
	"%Y": logrotate.Yearly, "%m": logrotate.Monthly, "%V": logrotate.Weekly, "%d": logrotate.Daily,
	"%H": logrotate.Hourly, "%M": finer, "%S": finer, "%s": finer,
}

// finer than every period.
const finer = logrotate.Period(0)

// adviseDates warns where files of different rotations bear one date.
func (r *Report) adviseDates(warn func(string, ...any), p logrotate.Policy) {
	if !p.DateExt || p.Rotate == 0 {
		return
	}
	format := p.DateFormat
	if format == "" {
		format = "-%Y%m%d"
	}
	finest := logrotate.Yearly + 1
	for verb, period := range resolution {
		if strings.Contains(format, verb) {
			finest = min(finest, period)
		}
	}
	switch {
	case finest > logrotate.Yearly:
		warn("the dateformat %q has no date in it: all names differ by the counter only", format)
	case p.Every != logrotate.Never && finest > p.Every:
		warn("the file is rotated every %s, and its names tell the %s only: the counter behind the date tells them apart; expected %s in dateformat",
			periods[p.Every], periods[finest], verbFor[p.Every])
	}
	if finest <= logrotate.Yearly && !sortsByAge(format) {
		warn("names by the dateformat %q do not sort by age: where the times of the files are lost, as in a copy, the oldest cannot be told; "+
			"expected the date from the year down, as -%%Y%%m%%d", format)
	}
	if p.DateYesterday && (strings.Contains(format, "%H") || strings.Contains(format, "%s")) {
		warn("dateyesterday means noon of the day before: the hour in the names is always 12; expected datehourago, or a dateformat of days")
	}
}

// sortsByAge tells whether names by a format, sorted as text, are in the order of time:
// from the year down, without a gap. Weeks are those of ISO, whose year begins on
// another day than that of %Y.
func sortsByAge(format string) bool {
	const order = "YmdHMS"
	next := 0
	for i := 0; i+1 < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		verb := format[i+1]
		switch rank := strings.IndexByte(order, verb); {
		case verb == 's' && next == 0:
			return true
		case verb == 'V', verb == 's', rank >= 0 && rank > next:
			return false
		case rank == next:
			next++
			i++
		}
	}
	return next > 0
}

// verbFor is what a dateformat needs for a period.
var verbFor = map[logrotate.Period]string{
	logrotate.Hourly: "%H", logrotate.Daily: "%d", logrotate.Weekly: "%d or %V", logrotate.Monthly: "%m", logrotate.Yearly: "%Y",
}
