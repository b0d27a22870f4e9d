package series

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"sluice/core/stream"
)

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

var markLine = regexp.MustCompile(stream.MarkPattern)

// maxMarkBytes is more than a mark ever has: longer lines are not looked at.
const maxMarkBytes = 512

// markPrefix begins every mark.
const markPrefix = "[sluice] "

// ParseMark reads a line, without its newline. The container can have written it, too.
func ParseMark(untrusted []byte) (Mark, bool) {
	if len(untrusted) > maxMarkBytes {
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

// lost is what one mark adds to the sums.
func (m Mark) lost() lost {
	if m.Unknown {
		return lost{marks: 1, unknown: 1}
	}
	return lost{marks: 1, bytes: m.Bytes, lines: m.Lines}
}

// amount is what was lost, in words.
func (m Mark) amount() string {
	if m.Unknown {
		return "an unknown amount, perhaps nothing, was lost"
	}
	return fmt.Sprintf("%d bytes in %d lines were lost", m.Bytes, m.Lines)
}
