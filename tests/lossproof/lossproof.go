// Package lossproof proves that a log is its container's output, but for what its marks
// say was lost, at the places where they stand.
package lossproof

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
)

// Pattern is the expression of docs/accounting.md, in which a test finds it.
const Pattern = `^\[sluice\] (\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z) lost (?:(\d+) bytes in (\d+) lines|an unknown amount, perhaps nothing,) ` +
	`since (\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z): ([^;\n]+)(; the line before is incomplete)?$`

var mark = regexp.MustCompile(`(?m)` + Pattern)

// Mark is what one mark says.
type Mark struct {
	Bytes, Lines int
	Reason       string
	Torn         bool
	// Unknown says that nobody knows how much was lost: only at the end of a log.
	Unknown bool
	// Size is its own length, with its newlines.
	Size int
}

// Proof is what Check found.
type Proof struct {
	Marks []Mark
	// Bytes and Lines are the sums of what the marks say, MarkBytes their lengths.
	Bytes, Lines, MarkBytes int
	// Kept is how many ends of lines of the input are in the log.
	Kept int
	// Missing is how much of the input is before the log's beginning: what the
	// retention, or making room, removed.
	Missing int
}

// Check compares a log with the input. Every line of the input must be another, so
// that its place is known. The log may begin at any line of it.
func Check(input, log []byte) (Proof, error) {
	var p Proof
	p.Missing = beginning(input, log)
	at := p.Missing
	rest := log
	for {
		found := mark.FindSubmatchIndex(rest)
		if found == nil {
			break
		}
		m, text := read(rest, found)
		var err error
		if at, err = match(input, at, text); err != nil {
			return p, err
		}
		p.Kept += bytes.Count(text, []byte("\n"))
		if at+m.Bytes > len(input) {
			return p, fmt.Errorf("mark %d tells of %d bytes where %d are left", len(p.Marks)+1, m.Bytes, len(input)-at)
		}
		if m.Unknown && found[1]+1 == len(rest) {
			m.Bytes = len(input) - at
			m.Lines = bytes.Count(input[at:], []byte("\n"))
		}
		lost := input[at : at+m.Bytes]
		if lines := bytes.Count(lost, []byte("\n")); lines != m.Lines {
			return p, fmt.Errorf("mark %d tells of %d lines, %d were lost", len(p.Marks)+1, m.Lines, lines)
		}
		if begins := at == 0 || input[at-1] == '\n'; begins == m.Torn {
			return p, fmt.Errorf("mark %d says torn: %v", len(p.Marks)+1, m.Torn)
		}
		at += m.Bytes
		if at > 0 && input[at-1] != '\n' && at < len(input) {
			return p, fmt.Errorf("the gap of mark %d ends within a line", len(p.Marks)+1)
		}
		p.Marks = append(p.Marks, m)
		p.Bytes += m.Bytes
		p.Lines += m.Lines
		p.MarkBytes += m.Size
		rest = rest[found[1]+1:]
	}
	p.Kept += bytes.Count(rest, []byte("\n"))
	at, err := match(input, at, rest)
	if err == nil && at != len(input) {
		err = fmt.Errorf("the log ends at byte %d of %d: %.80q is missing", at, len(input), input[at:])
	}
	return p, err
}

// beginning finds the first line of the log in the input, 0 where it is not there.
func beginning(input, log []byte) int {
	line, _, whole := bytes.Cut(log, []byte("\n"))
	switch {
	case !whole || mark.Match(line) || bytes.HasPrefix(input, line):
		return 0
	}
	return bytes.Index(input, append(append([]byte("\n"), line...), '\n')) + 1
}

// read gives the mark at found and the text before it, without the mark's newline.
func read(log []byte, found []int) (Mark, []byte) {
	number := func(group int) int {
		if found[2*group] < 0 {
			return 0
		}
		n, _ := strconv.Atoi(string(log[found[2*group]:found[2*group+1]]))
		return n
	}
	m := Mark{
		Bytes: number(2), Lines: number(3), Reason: string(log[found[10]:found[11]]),
		Torn: found[12] >= 0, Unknown: found[4] < 0, Size: found[1] + 1 - found[0],
	}
	text := log[:found[0]]
	if m.Torn {
		m.Size++
		text = bytes.TrimSuffix(text, []byte("\n"))
	}
	return m, text
}

// match expects text in the input at a place and gives the place behind it.
func match(input []byte, at int, text []byte) (int, error) {
	for i := range text {
		if at+i >= len(input) || input[at+i] != text[i] {
			return at, fmt.Errorf("the log parts from the input at byte %d: it has %.80q", at+i, text[i:])
		}
	}
	return at + len(text), nil
}
