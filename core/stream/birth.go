package stream

import (
	"sluice/core/sandbox"
	sluicepb "sluice/proto"
)

// The account is kept by the live file: what it has beyond live_start_bytes came after
// the record. The number of its inode alone does not tell which file that was, because a
// file system may give the number to the next file as soon as the last descriptor of the
// one before is closed, and a kill closes all of them. So the record has a birth mark too.

// birthRecord is the mark of a live file in the record, nothing where the file system has
// none. It counts only together with the account that it was saved with: an older version
// goes on with the account and leaves the mark of another file behind.
func birthRecord(inode uint64, birth sandbox.Birth, writtenBytes int64) *sluicepb.Birth {
	if birth == (sandbox.Birth{}) {
		return nil
	}
	return &sluicepb.Birth{
		Inode: inode, WrittenBytes: writtenBytes, UnixNano: birth.UnixNano, Generation: birth.Generation,
	}
}

// IsLive says that a file is the live one of an account.
func IsLive(a *sluicepb.Accounting, inode uint64, birth sandbox.Birth) bool {
	if inode != a.GetLiveInode() {
		return false
	}
	mark := a.GetLiveBirth()
	if mark.GetInode() != inode || mark.GetWrittenBytes() != a.GetWrittenBytes() {
		return true // no mark of this account
	}
	return !birth.Differs(sandbox.Birth{UnixNano: mark.GetUnixNano(), Generation: mark.GetGeneration()})
}

// isLive says that the live file is that of the account in the record.
func (s *Stream) isLive() bool {
	return IsLive(s.Record.GetAccounting(), s.live.inode, s.live.birth)
}
