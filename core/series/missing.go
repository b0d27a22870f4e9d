package series

import (
	"fmt"
	"strings"
)

// missing adds up files in a row that were removed before they were read.
type missing struct {
	files                   int
	name                    string // of the only one
	plainBytes, packedBytes int64
}

func (m *missing) add(l *link, offset int64) {
	m.files++
	m.name = l.name
	if l.compressed {
		m.packedBytes += l.size
	} else {
		m.plainBytes += max(0, l.size-offset)
	}
}

// tellMissing says what is missing at this place of the output.
func (r *Reader) tellMissing() {
	m := r.missing
	if m.files == 0 {
		return
	}
	r.missing = missing{}
	what := m.name + " was"
	if m.files > 1 {
		what = fmt.Sprintf("%d files were", m.files)
	}
	var amounts []string
	if m.plainBytes > 0 || m.packedBytes == 0 {
		amounts = append(amounts, fmt.Sprintf("%d bytes", m.plainBytes))
	}
	if m.packedBytes > 0 {
		amounts = append(amounts, fmt.Sprintf("%d compressed bytes", m.packedBytes))
	}
	r.complain("%s removed before being read: %s are missing here", what, strings.Join(amounts, " and "))
}
