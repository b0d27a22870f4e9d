// Package logformat is what the logger itself writes into a log and beside it: the marks of
// what was lost, the file of a line that is carried over from one live file to the next, and
// the name of the file that shows the policy.
//
// It is pure, and the one place that writers and readers have in common.
package logformat

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// PolicySuffix is what the name of the file that shows the policy in force has after that of
// the live file.
const PolicySuffix = ".logrotate.conf"

// A Mark is the line that the logger puts where output is missing:
//
//	[sluice] 2026-11-22T14:00:00.123Z lost 1048576 bytes in 8192 lines since 2026-11-22T13:59:58.001Z: no space left on device
type Mark struct {
	At, Since  time.Time
	Bytes      int64
	Lines      int64
	Reason     string
	TornBefore bool // the line before the mark is incomplete
	Unknown    bool // nobody knows how much was lost, or whether anything was
}

// markLine is what a mark looks like, without its newline (docs/accounting.md). Its groups
// are: when it was written, bytes, lines, when the loss began, why, and, where the line before
// was cut off, a remark on that; the newline before the mark is then the mark's. Bytes and
// lines are empty where nobody knows them.
var markLine = regexp.MustCompile(`^\[sluice\] (\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z) lost (?:(\d+) bytes in (\d+) lines|an unknown amount, perhaps nothing,) ` +
	`since (\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z): ([^;\n]+)(; the line before is incomplete)?$`)

const (
	// MarkPrefix begins every line of the logger's own.
	MarkPrefix = "[sluice] "
	// MaxMarkBytes is more than a mark ever has: longer lines are not looked at.
	MaxMarkBytes = 512
	// TimeLayout is that of the times in such lines, which are UTC.
	TimeLayout = "2006-01-02T15:04:05.000Z"

	tornNote = "; the line before is incomplete"
)

// Text is the mark with its newlines, as it is written into the log.
func (m Mark) Text() []byte {
	before, note := "", ""
	if m.TornBefore {
		before, note = "\n", tornNote
	}
	amount := "an unknown amount, perhaps nothing,"
	if !m.Unknown {
		amount = fmt.Sprintf("%d bytes in %d lines", m.Bytes, m.Lines)
	}
	return fmt.Appendf(nil, "%s%s%s lost %s since %s: %s%s\n", before, MarkPrefix,
		m.At.UTC().Format(TimeLayout), amount, m.Since.UTC().Format(TimeLayout), m.Reason, note)
}

// ParseText reads what Text gives.
func ParseText(untrusted []byte) (Mark, bool) {
	line, whole := bytes.CutSuffix(untrusted, []byte("\n"))
	if !whole {
		return Mark{}, false
	}
	return ParseMark(bytes.TrimPrefix(line, []byte("\n")))
}

// ParseMark reads a line, without its newline. The container can have written it, too.
func ParseMark(untrusted []byte) (Mark, bool) {
	if len(untrusted) > MaxMarkBytes {
		return Mark{}, false
	}
	found := markLine.FindSubmatch(untrusted)
	if found == nil {
		return Mark{}, false
	}
	var m Mark
	var errs [4]error
	m.At, errs[0] = time.Parse(time.RFC3339, string(found[1]))
	if m.Unknown = len(found[2]) == 0; !m.Unknown {
		m.Bytes, errs[1] = strconv.ParseInt(string(found[2]), 10, 64)
		m.Lines, errs[2] = strconv.ParseInt(string(found[3]), 10, 64)
	}
	m.Since, errs[3] = time.Parse(time.RFC3339, string(found[4]))
	m.Reason, m.TornBefore = string(found[5]), len(found[6]) > 0
	for _, err := range errs {
		if err != nil {
			return Mark{}, false
		}
	}
	return m, true
}
