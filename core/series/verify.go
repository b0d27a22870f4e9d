package series

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Kinds of findings.
const (
	KindGap      = "gap"      // files between others are missing
	KindTorn     = "torn"     // a file ends within a line that the next does not continue
	KindDamaged  = "damaged"  // a compressed file does not hold what was put into it
	KindLost     = "lost"     // the logger says that output is missing
	KindLimit    = "limit"    // a file is over its limit, or there are more than the policy keeps
	KindImpostor = "impostor" // something else bears a name of the series
	KindRecord   = "record"   // there is less than the record tells
	KindRemoved  = "removed"  // a file was removed while it was looked at
	KindZeros    = "zeros"    // a row of NUL bytes, as after a power cut
	KindGuessed  = "guessed"  // nobody tells which files belong to the log
)

// maxFindings of one report are told; more are counted.
const maxFindings = 200

// Finding is why a series is not whole.
type Finding struct {
	Kind string `json:"kind"`
	// File is the name of the file that it is about, empty for the series.
	File string `json:"file,omitempty"`
	Text string `json:"text"`
}

// VerifiedFile is a file as it was found.
type VerifiedFile struct {
	Name string `json:"name"`
	// Bytes and Newlines are those of its content, SizeBytes its length on disk.
	Bytes     int64 `json:"bytes"`
	Newlines  int64 `json:"newlines"`
	SizeBytes int64 `json:"size_bytes"`
	Written   Time  `json:"written"` // last
}

// Time is one as JSON has it: RFC 3339, or null for years that it cannot write. A file system can
// tell of such.
type Time time.Time

// MarshalJSON never fails.
func (t Time) MarshalJSON() ([]byte, error) {
	const lastYear = 9999
	if year := time.Time(t).UTC().Year(); year < 0 || year > lastYear {
		return []byte("null"), nil
	}
	return time.Time(t).UTC().MarshalJSON()
}

// Report is what Verify found.
type Report struct {
	Live string `json:"live"`
	// Whole says that there is no finding.
	Whole    bool           `json:"whole"`
	Findings []Finding      `json:"findings"`
	Files    []VerifiedFile `json:"files"`
	Bytes    int64          `json:"bytes"`
	Newlines int64          `json:"newlines"`
	// Marks is the number of marks of loss, LostBytes and LostLines their sums.
	Marks     int64 `json:"marks"`
	LostBytes int64 `json:"lost_bytes"`
	LostLines int64 `json:"lost_lines"`
	// LostUnknown counts the marks that do not know how much was lost.
	LostUnknown int64 `json:"lost_unknown,omitempty"`
	// SplitLines counts the files that end within a line longer than themselves, or that another
	// logger cut there.
	SplitLines int `json:"split_lines"`
	// MoreFindings is how many there are beside those that are told.
	MoreFindings int64 `json:"more_findings,omitempty"`
	// Notes are worth knowing and no fault.
	Notes []string `json:"notes,omitempty"`

	live int64 // bytes of the live file
}

func (r *Report) find(kind, file, format string, args ...any) {
	if len(r.Findings) >= maxFindings {
		r.MoreFindings++
		return
	}
	r.Findings = append(r.Findings, Finding{kind, file, fmt.Sprintf(format, args...)})
}

// Expected is what a series is held against. The zero value of a member is unknown.
type Expected struct {
	// LimitBytes is that of the live file.
	LimitBytes int64
	// Kept says that Policy tells how many files are kept.
	Kept bool
	// Cuts says that another logger made the files, which cuts lines at the end of a file.
	Cuts bool
	// Account, if set, is what the record says of the stream before its last rotation.
	Account *Account
}

// Verify reads the whole series and holds it against what is expected. It may be written
// to meanwhile; what comes after the beginning is not looked at. Only what cannot be read
// at all for another reason than its contents is an error.
func (s *Series) Verify(ctx context.Context, expected Expected) (*Report, error) {
	r, err := s.Read()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	report := &Report{Live: s.live, Findings: []Finding{}}
	if s.Guessed != "" {
		report.find(KindGuessed, "", "%s, and no record: which files belong to the log is guessed from their names", s.Guessed)
	}
	for _, impostor := range r.listing.Impostors {
		report.find(KindImpostor, impostor.Name, "is %s, not a log file", kind(impostor))
	}
	if err := s.findGaps(report, r.listing.Files); err != nil {
		return nil, err
	}
	for len(r.links) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		if err := r.verifyFirst(report, expected); err != nil {
			return nil, err
		}
		r.advance()
	}
	s.holdAgainst(report, r.listing.Files, expected)
	if err := s.noteStrays(report); err != nil {
		return nil, err
	}
	report.Whole = len(report.Findings) == 0
	return report, nil
}

// verifyFirst looks at the content of the first link.
func (r *Reader) verifyFirst(report *Report, expected Expected) error {
	youngest := len(r.links) == 1
	if err := r.openFirst(); err != nil {
		return err
	}
	l := r.current
	name := l.name
	if l.gone {
		report.find(KindRemoved, name, "was removed before it could be looked at: it held %d bytes", l.size)
		return nil
	}
	most := int64(1 << 62)
	if youngest && !l.compressed {
		most = r.endBytes
	}
	var found scan
	if err := found.read(r.content, most); err != nil {
		return fmt.Errorf("read %q: %w", name, err)
	}
	if found.damaged == nil && r.unreadable != nil {
		found.damaged = r.unreadable
	}
	report.add(l, found)
	if youngest {
		report.live = found.bytes
	}
	if limit := expected.LimitBytes; limit > 0 && found.bytes > limit {
		report.find(KindLimit, name, "holds %d bytes, the limit is %d", found.bytes, limit)
	}
	if found.zeros > 0 {
		report.find(KindZeros, name, "holds %d NUL bytes in rows, the first at byte %d: as a power cut leaves them, if the container did not write them", found.zeros, found.firstZero)
	}
	report.judgeEnd(name, found, youngest, expected.Cuts)
	return nil
}

// add sums up.
func (r *Report) add(l *link, found scan) {
	r.Files = append(r.Files, VerifiedFile{
		Name: l.name, Bytes: found.bytes, Newlines: found.newlines, SizeBytes: l.size, Written: Time(l.modTime),
	})
	r.Bytes = atMost(r.Bytes, found.bytes)
	r.Newlines = atMost(r.Newlines, found.newlines)
	sum := lost{r.Marks, r.LostBytes, r.LostLines, r.LostUnknown}
	sum.add(found.marked)
	r.Marks, r.LostBytes, r.LostLines, r.LostUnknown = sum.marks, sum.bytes, sum.lines, sum.unknown
	for _, mark := range found.marks {
		r.find(KindLost, l.name, "%s: %s since %s: %s", mark.At.Format(time.RFC3339Nano),
			amountOf(mark), mark.Since.Format(time.RFC3339Nano), mark.Reason)
	}
	if more := found.marked.marks - int64(len(found.marks)); more > 0 {
		r.find(KindLost, l.name, "%d more marks tell of lost output", more)
	}
}

// judgeEnd looks at how a file ends. The logger hands the beginning of a line at the end
// of a file on to the next one, unless the line began with the file.
func (r *Report) judgeEnd(name string, found scan, youngest, cuts bool) {
	switch {
	case found.damaged != nil:
		reason := found.damaged
		if errors.Is(reason, ErrDamaged) {
			r.find(KindDamaged, name, "cannot be read beyond byte %d: %v", found.bytes, reason)
			return
		}
		r.find(KindDamaged, name, "cannot be verified: %v", reason)
	case youngest || found.endBytes == 0:
	case found.newlines == 0, cuts:
		r.SplitLines++
	default:
		r.find(KindTorn, name, "ends within a line, after %d bytes of it", found.endBytes)
	}
}
