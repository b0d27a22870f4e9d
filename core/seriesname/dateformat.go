package seriesname

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"sluice/core/logrotate"
)

// dateFormat is a dateformat taken apart. Only the verbs Y m d H M S V s mean
// something; any other % stands for itself.
type dateFormat struct {
	fields []dateField
	// byName orders suffixes by their text: the case where no dateformat is given.
	byName             bool
	yesterday, hourAgo bool
}

// dateField is a verb, or text if verb is 0.
type dateField struct {
	verb byte
	text string
}

// digits is how many a verb prints, and what a name must have in its place.
var digits = map[byte]int{'Y': 4, 'm': 2, 'd': 2, 'H': 2, 'M': 2, 'S': 2, 'V': 2, 's': 10}

func newDateFormat(p logrotate.Policy) dateFormat {
	f := dateFormat{byName: p.DateFormat == "", yesterday: p.DateYesterday, hourAgo: p.DateHourAgo}
	text := strings.TrimLeft(p.DateFormat, " ")
	if f.byName {
		text = "-%Y%m%d"
	}
	literal := ""
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+1 < len(text) && digits[text[i+1]] > 0 {
			if literal != "" {
				f.fields = append(f.fields, dateField{text: literal})
				literal = ""
			}
			i++
			f.fields = append(f.fields, dateField{verb: text[i]})
			continue
		}
		literal += text[i : i+1]
	}
	if literal != "" {
		f.fields = append(f.fields, dateField{text: literal})
	}
	return f
}

// suffix is the date of a rotation at t, in t's location.
func (f dateFormat) suffix(t time.Time) string {
	t = f.shifted(t)
	var b strings.Builder
	for _, field := range f.fields {
		switch field.verb {
		case 0:
			b.WriteString(field.text)
		case 's':
			b.WriteString(strconv.FormatInt(t.Unix(), 10))
		case 'V':
			_, week := t.ISOWeek()
			fmt.Fprintf(&b, "%02d", week)
		default:
			b.WriteString(t.Format(layouts[field.verb]))
		}
	}
	return b.String()
}

var layouts = map[byte]string{'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05"}

// shifted is the time that dateyesterday and datehourago mean. The clock is set
// with the zone offset of t itself, as mktime(3) does with tm_isdst kept: on the
// day after a change of the clocks, noon of yesterday prints as 11 or 13.
func (f dateFormat) shifted(t time.Time) time.Time {
	_, offset := t.Zone()
	zone := time.FixedZone("", offset)
	if f.yesterday {
		y, m, d := t.Date()
		t = time.Date(y, m, d-1, 12, t.Minute(), t.Second(), 0, zone).In(t.Location())
	}
	if f.hourAgo {
		t = t.Add(-time.Hour)
	}
	return t
}

// matches says that text could be a date in this format: digits where digits belong.
func (f dateFormat) matches(text string) bool {
	for _, field := range f.fields {
		if field.verb == 0 {
			rest, ok := strings.CutPrefix(text, field.text)
			if !ok {
				return false
			}
			text = rest
			continue
		}
		n := digits[field.verb]
		if len(text) < n || !allDigits(text[:n]) {
			return false
		}
		text = text[n:]
	}
	return text == ""
}

func allDigits(text string) bool {
	return strings.Trim(text, "0123456789") == ""
}
