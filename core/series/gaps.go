package series

import (
	"fmt"
	"slices"
	"strconv"
)

// gapAttempts is how often a gap is looked for again.
const gapAttempts = 64

// gap is where files are missing between others: the retention takes the oldest only.
type gap struct {
	// file is the one that the gap is told of, text what is told.
	file File
	text string
	// missing is how many numbers or counters are.
	missing int
}

// findGaps looks for gaps. While rotations go on a listing can show more of them than
// there are, and wider ones, but hides none: real ones are in every further listing too.
func (s *Series) findGaps(report *Report, files []File) error {
	gaps := s.gaps(files)
	if len(gaps) == 0 {
		return nil
	}
	stuck, err := s.underWay()
	for attempt := 0; err == nil && len(gaps) > 0 && attempt < gapAttempts; attempt++ {
		gaps, err = s.lookAgain(gaps)
		if now, _ := s.underWay(); now != stuck {
			stuck = 0
		}
	}
	for _, g := range gaps {
		// A rotation that runs a script, or was broken off, has one number free meanwhile.
		if stuck == 0 || g.missing > 1 {
			report.find(KindGap, g.file.Name, "%s", g.text)
		}
	}
	return err
}

func (s *Series) lookAgain(gaps []gap) ([]gap, error) {
	listing, err := s.list()
	return narrowest(gaps, s.gaps(listing.Files)), err
}

// narrowest keeps the gaps that are in both listings, each as the one shows it that
// shows it narrower.
func narrowest(gaps, again []gap) []gap {
	var kept []gap
	for _, g := range gaps {
		l := linkOf(nil, g.file.Info, g.file.Live, g.file.Compressed)
		at := slices.IndexFunc(again, func(g gap) bool { return l.is(g.file) })
		if at < 0 {
			continue
		}
		if again[at].missing <= g.missing {
			g = again[at]
		}
		kept = append(kept, g)
	}
	return kept
}

// gaps lists those of a listing.
func (s *Series) gaps(files []File) []gap {
	var rotated []File
	for _, file := range files {
		if !file.Live && !file.Taken {
			rotated = append(rotated, file)
		}
	}
	if s.names.Dated() {
		return dateGaps(rotated)
	}
	return s.numberGaps(rotated)
}

func (s *Series) numberGaps(rotated []File) (gaps []gap) {
	for i, file := range rotated {
		younger := s.firstNumber(file) - 1
		if i+1 < len(rotated) {
			younger = rotated[i+1].Place.Number
		}
		if missing := file.Place.Number - younger - 1; missing > 0 {
			text := numbers(younger+1, younger+missing) + " missing behind it"
			gaps = append(gaps, gap{file, text, missing})
		}
	}
	return gaps
}

// firstNumber is the youngest file's; where the policy is guessed, start may be 0 or 1.
func (s *Series) firstNumber(youngest File) int {
	if s.Guessed != "" && youngest.Place.Number > 0 {
		return 1
	}
	return s.names.Start()
}

func numbers(from, to int) string {
	if from == to {
		return "number " + strconv.Itoa(from) + " is"
	}
	return "numbers " + strconv.Itoa(from) + " to " + strconv.Itoa(to) + " are"
}

// dateGaps looks at the counters of each date. They begin anew with each date, and
// only where older files have gone with another number than none.
func dateGaps(rotated []File) (gaps []gap) {
	for i := 1; i < len(rotated); i++ {
		before, file := rotated[i-1], rotated[i]
		expected := 0
		if before.Place.Date == file.Place.Date {
			expected = before.Place.Counter + 1
		}
		if missing := file.Place.Counter - expected; missing > 0 {
			text := fmt.Sprintf("follows %s: files of that date between them are missing", before.Name)
			gaps = append(gaps, gap{file, text, missing})
		}
	}
	return gaps
}
