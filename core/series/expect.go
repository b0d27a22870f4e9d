package series

import "fmt"

// Account is what a record tells of a stream.
type Account struct {
	// Rotations so far, and the bytes that were written before the last of them.
	Rotations    int64
	WrittenBytes int64
	// LiveInode is the live file of then; CarriedBytes of it went to the next one.
	LiveInode    uint64
	CarriedBytes int64
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
