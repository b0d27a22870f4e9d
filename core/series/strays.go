package series

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sluice/core/seriesname"
)

// toldStrays is how many names one note has.
const toldStrays = 10

// noteStrays tells of names that rotated files of the log could have under another policy:
// what this one cannot place is no part of the series, and may have been written before it.
func (s *Series) noteStrays(report *Report) error {
	dir, err := s.rotated()
	if err != nil || dir == nil {
		return err
	}
	var others []seriesname.Scheme
	for _, text := range guesses {
		policy, err := ReadPolicy(text)
		if err != nil {
			return err
		}
		others = append(others, seriesname.New(policy, s.live))
	}
	var told []string
	strays := 0
	_, err = dir.Walk(maxNames, func(untrusted string, directory bool) error {
		placed := func(names seriesname.Scheme) bool {
			_, ours := names.Place(untrusted)
			return ours
		}
		if directory || s.ours(untrusted) || !slices.ContainsFunc(others, placed) {
			return nil
		}
		if strays++; strays <= toldStrays {
			told = append(told, strconv.Quote(untrusted))
		}
		return nil
	})
	if err != nil || strays == 0 {
		return err
	}
	slices.Sort(told)
	text := strings.Join(told, ", ")
	if more := strays - len(told); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	report.Notes = append(report.Notes, text+" cannot be placed: rotated files have such names under other policies; nothing of them was read")
	return nil
}
