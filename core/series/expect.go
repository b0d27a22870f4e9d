package series

import (
	"fmt"
	"strconv"
)

// Account is what a record tells of a stream.
type Account struct {
	// Rotations so far, and the bytes that were written before the last of them.
	Rotations    int64
	WrittenBytes int64
	// LiveInode is the live file of then; CarriedBytes of it went to the next one.
	LiveInode    uint64
	CarriedBytes int64
}

// findGaps looks for files that are missing between others: the retention takes the
// oldest only.
func (s *Series) findGaps(report *Report, files []File) {
	var rotated []File
	taken := false
	for _, file := range files {
		taken = taken || file.Taken
		if !file.Live && !file.Taken {
			rotated = append(rotated, file)
		}
	}
	for i, file := range rotated {
		if s.names.Dated() {
			findDateGap(report, rotated[:i], file)
			continue
		}
		younger := s.firstNumber(file) - 1
		if i+1 < len(rotated) {
			younger = rotated[i+1].Place.Number()
		}
		// A rotation under way leaves one number free, until what it took has its place.
		if missing := file.Place.Number() - younger - 1; missing > 0 && (!taken || missing > 1) {
			report.find(KindGap, file.Name, "%s missing behind it", numbers(younger+1, file.Place.Number()-1))
		}
	}
}

// firstNumber is the youngest file's; where the policy is guessed, start may be 0 or 1.
func (s *Series) firstNumber(youngest File) int {
	if s.Guessed && youngest.Place.Number() > 0 {
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

// findDateGap looks at the counters of one date. They begin anew with each date, and
// only where older files have gone with another number than none.
func findDateGap(report *Report, older []File, file File) {
	if len(older) == 0 {
		return
	}
	before := older[len(older)-1]
	expected := 0
	if before.Place.Date() == file.Place.Date() {
		expected = before.Place.Counter() + 1
	}
	if counter := file.Place.Counter(); counter > expected {
		report.find(KindGap, file.Name, "follows %s: files of that date between them are missing", before.Name)
	}
}

// holdAgainst compares with the policy and with the record.
func (s *Series) holdAgainst(report *Report, files []File, expected Expected) {
	rotated := len(files)
	if live := files[len(files)-1]; live.Live {
		rotated--
	}
	// While a rotation is under way there may be one more.
	if keeps := s.policy.Rotate; expected.Kept && keeps >= 0 && rotated > keeps+1 {
		report.find(KindLimit, "", "there are %d rotated files, the policy keeps %d", rotated, keeps)
	}
	if expected.Account != nil {
		s.holdAgainstRecord(report, files[len(files)-1], int64(rotated), expected.Account)
	}
}

// holdAgainstRecord counts files and bytes. The record is saved before the rotation that
// it tells of; the live file's inode says whether that has happened.
//
// Fewer files than the policy keeps are no fault by themselves: they go before their time to make
// room on the node, also after the record was saved.
func (s *Series) holdAgainstRecord(report *Report, youngest File, rotated int64, account *Account) {
	if !youngest.Live || account.LiveInode == 0 {
		return
	}
	made, written := account.Rotations, account.WrittenBytes-account.CarriedBytes
	rotatedSince := youngest.Inode != account.LiveInode
	if rotatedSince {
		made++
	}
	keeps := made
	if s.policy.Rotate >= 0 {
		keeps = min(keeps, int64(s.policy.Rotate))
	}
	if rotated < keeps {
		report.Notes = append(report.Notes, fmt.Sprintf("after %d rotations the policy keeps %d files, and %d are there: "+
			"older ones went by their age, to make room on the node, or by somebody's hand", made, keeps, rotated))
	}
	if held := report.Bytes - report.live; rotatedSince && rotated == made && held < written {
		report.find(KindRecord, "", "the rotated files hold %d bytes; by the record %d were written", held, written)
	}
}
