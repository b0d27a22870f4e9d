package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"

	"sluice/core/control"
	"sluice/core/settings"
)

// column of the table of streams. Where the width is short those with the highest rank
// go first.
type column struct {
	name  string
	rank  int
	right bool // figures
	// least is the width below which it is rather left out; 0: it is never cut.
	least int
	// optional ones are left out where nobody has such a figure.
	optional bool
	text     func(s streamStatus, now time.Time) string
}

var columns = []column{
	{"CONTAINER", 0, false, 8, false, func(s streamStatus, _ time.Time) string { return s.Container }},
	{"STREAM", 2, false, 0, false, func(s streamStatus, _ time.Time) string { return s.Stream.Stream }},
	{"TASK", 1, false, 12, false, streamStatus.who},
	{"STATE", 3, false, 0, false, func(s streamStatus, _ time.Time) string { return string(s.State) }},
	{"RATE", 4, true, 0, false, func(s streamStatus, _ time.Time) string { return rateText(s.RateBytes) }},
	{"IN", 5, true, 0, false, func(s streamStatus, _ time.Time) string { return settings.ShortSize(s.InBytes) }},
	{"WRITTEN", 8, true, 0, false, func(s streamStatus, _ time.Time) string { return settings.ShortSize(s.WrittenBytes) }},
	{"DROPPED", 6, true, 0, false, func(s streamStatus, _ time.Time) string { return settings.ShortSize(s.DroppedBytes) }},
	{"LINES", 12, true, 0, true, func(s streamStatus, _ time.Time) string { return countText(s.InLines) }},
	{"FILES", 7, true, 0, false, func(s streamStatus, _ time.Time) string { return fmt.Sprint(s.Files) }},
	{"DISK", 9, true, 0, false, func(s streamStatus, _ time.Time) string { return settings.ShortSize(s.DiskBytes) }},
	{"ROTATED", 10, true, 0, false, func(s streamStatus, now time.Time) string { return agoText(s.LastRotationUnixNano, now) }},
	{"BLOCKED", 11, true, 0, false, func(s streamStatus, _ time.Time) string { return blockedText(s.LongestBlockedNanos) }},
	{"EXECUTOR", 13, false, 8, false, func(s streamStatus, _ time.Time) string { return s.Executor }},
	{"FRAMEWORK", 14, false, 8, false, func(s streamStatus, _ time.Time) string { return s.Framework }},
	{"SANDBOX", 15, false, 20, false, func(s streamStatus, _ time.Time) string { return s.Sandbox }},
}

// whose are the columns that are cut, in this order, before one of the essential goes: who is who is
// to be seen.
var whose = []int{0, 2}

// who is the task of a container, or the executor where it has none.
func (s streamStatus) who(time.Time) string {
	if s.Task == "" && s.Executor != "" {
		return "(" + s.Executor + ")"
	}
	return s.Task
}

func rateText(rate *int64) string {
	if rate == nil {
		return "-"
	}
	return settings.ShortSize(*rate) + "/s"
}

// countText is empty for a figure that there is not.
func countText(count *int64) string {
	if count == nil {
		return ""
	}
	return fmt.Sprint(*count)
}

// agoText is how long ago something was.
func agoText(unixNano int64, now time.Time) string {
	if unixNano == 0 {
		return "never"
	}
	return spanText(now.Sub(time.Unix(0, unixNano)))
}

func blockedText(nanos int64) string {
	if nanos == 0 {
		return "-"
	}
	return spanText(time.Duration(nanos))
}

func spanText(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", max(0, int(d.Seconds())))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", int(d.Hours())/24)
}

// table gives the lines of the table, the first being its head; width 0 has no end.
func (s *status) table(out io.Writer, width int, now time.Time) []string {
	rows := [][]string{make([]string, len(columns))}
	for i, c := range columns {
		rows[0][i] = c.name
	}
	for _, stream := range s.Streams {
		row := make([]string, len(columns))
		for i, c := range columns {
			row[i] = printable(c.text(stream, now))
		}
		rows = append(rows, row)
	}
	for i, c := range columns {
		if c.optional && !slices.ContainsFunc(rows[1:], func(row []string) bool { return row[i] != "" }) {
			rows[0][i] = ""
		}
	}
	widths := fit(rows, width)
	lines := make([]string, len(rows))
	for i, row := range rows {
		lines[i] = line(row, widths, width)
		if i > 0 && s.Streams[i-1].State != control.Served {
			lines[i] = paint(out, red, lines[i])
		}
	}
	return lines
}

// gap is between two columns.
const gap = 2

// essential is the highest rank of the columns that are worth more than the whole id of a
// container, and the whole name of its task.
const essential = 7

// fit gives the width of each column, 0 for those that are left out.
func fit(rows [][]string, width int) []int {
	widths := make([]int, len(columns))
	for i := range columns {
		for _, row := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	if width == 0 {
		return widths
	}
	narrow(widths, width, essential)
	for _, at := range whose {
		if over := total(widths) - width; over > 0 {
			widths[at] = max(min(widths[at], columns[at].least), widths[at]-over)
		}
	}
	narrow(widths, width, 0)
	widths[0] = min(widths[0], width)
	return widths
}

// narrow cuts or leaves out the columns above a rank, the highest first, as far as needed.
func narrow(widths []int, width, rank int) {
	for total(widths) > width {
		last := 0
		for i, c := range columns {
			if widths[i] > 0 && c.rank > columns[last].rank {
				last = i
			}
		}
		if columns[last].rank <= rank {
			return
		}
		shorter := widths[last] - (total(widths) - width)
		if columns[last].least == 0 || shorter < columns[last].least {
			shorter = 0
		}
		widths[last] = shorter
	}
}

// total is the width of a line.
func total(widths []int) int {
	sum := -gap
	for _, width := range widths {
		if width > 0 {
			sum += width + gap
		}
	}
	return sum
}

func line(row []string, widths []int, width int) string {
	var b strings.Builder
	for i, c := range columns {
		if widths[i] == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(strings.Repeat(" ", gap))
		}
		text := clip(row[i], widths[i])
		padding := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text))
		if c.right {
			b.WriteString(padding + text)
		} else {
			b.WriteString(text + padding)
		}
	}
	return clip(strings.TrimRight(b.String(), " "), width)
}

// clip cuts a text at a width, with a sign that something is missing; 0 cuts nothing.
func clip(text string, width int) string {
	if width <= 0 || utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:width-1]) + "…"
}

// printable replaces what could do something to a terminal: names are a framework's.
func printable(untrusted string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, untrusted)
}

// printableLines is printable for a text of several lines.
func printableLines(untrusted string) string {
	lines := strings.Split(untrusted, "\n")
	for i, line := range lines {
		lines[i] = printable(line)
	}
	return strings.Join(lines, "\n")
}

// terminalSize is that of the terminal that out is, 0 and 0 where it is none.
func terminalSize(out io.Writer) (width, height int) {
	f, ok := out.(*os.File)
	if !ok || !isTerminal(out) {
		return 0, 0
	}
	width, height, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0, 0
	}
	return width, height
}
