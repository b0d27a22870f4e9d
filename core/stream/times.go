package stream

import (
	"time"

	"sluice/core/logformat"
	"sluice/core/times"
)

// The time index (core/times) tells when each byte was moved to the files. It is told of
// bytes and files where they come and go, in memory; it is written once a second, after a
// rotation, before the stream is left to its pipe, and at the end. Nothing depends on it: where
// it cannot be written the log has no times.

const (
	// timesEvery is how long times of a busy stream wait in memory.
	timesEvery = time.Second
	// timesAgain is when an index is tried again that could not be written.
	timesAgain = 10 * time.Second
)

// timed is the time index, and what is known of it.
type timed struct {
	index    *times.Writer // nil: there is none
	due      time.Time     // when it is written next
	removed  bool          // the task has removed the live file, which is none of the series
	replaced int           // series.replaced when the live file was looked at last
}

// position is how many bytes were ever written to the files of the series.
func (s *Stream) position() int64 {
	return s.account.writtenBytes.Load() + s.account.markBytes.Load()
}

// liveAt tells the index which file is written, and where it begins.
func (s *Stream) liveAt(size int64) times.Live {
	return times.Live{Begin: s.position() - size, Inode: s.live.inode}
}

// openTimes goes on with the index, once the account is known; fresh says that there is none.
func (s *Stream) openTimes(fresh bool) {
	s.closeTimes()
	if s.Settings.Times == 0 || s.Settings.FirstBytes > 0 || s.live.file == nil {
		return
	}
	most := s.Settings.MostTimesBytes()
	if _, bounded := s.Settings.MostBytes(); !bounded {
		most = 0
	}
	index, err := times.Open(times.Config{
		Dir: s.Sandbox, Name: logformat.TimesName(s.Name), Prefix: s.newPrefix(),
		Resolution: s.Settings.Times, MostBytes: most, Mode: s.series.next.Mode, Anew: s.Anew,
	}, s.position(), s.liveAt(s.LiveBytes()), fresh, s.Now())
	if err != nil {
		s.warnTimes(err)
	}
	s.timed.index, s.timed.replaced = index, s.series.replaced
	s.shown.timesBytes.Store(index.Bytes())
}

// warnTimes reports what stops times alone, and holds no report of the log back.
func (s *Stream) warnTimes(err error) {
	if held, ok := s.reports.times.Allow(s.Now()); ok {
		s.Log.Warn("the log has no times now", "error", err, "held_back", held)
	}
}

func (s *Stream) closeTimes() {
	if s.timed.index != nil {
		_ = s.timed.index.Close()
	}
	s.timed = timed{}
}

// timeLive tells the index of the live file, which is size bytes long. Amid a rotation
// nobody knows where it begins.
func (s *Stream) timeLive(size int64) {
	if s.timed.index == nil || s.series.carried != "" {
		return
	}
	s.timed.replaced = s.series.replaced
	live, before := s.liveAt(size), s.timed.index.Live()
	if live == before {
		return
	}
	s.timed.index.Begins(live, live.Inode != before.Inode && !s.timed.removed)
	if s.timed.removed = false; live.Inode != before.Inode {
		// A kill must not cost the beginnings of two files: that of one follows from the
		// account, and of the live file from its length.
		s.writeTimesNow(s.Now())
	}
}

// timeMoved tells the index of what has just been moved.
func (s *Stream) timeMoved() {
	if s.timed.index != nil {
		s.timed.index.Moved(s.position(), s.Now())
	}
}

// writeTimes writes the index, if it is time to.
func (s *Stream) writeTimes(now time.Time) {
	if s.timed.index == nil {
		return
	}
	if s.timed.replaced != s.series.replaced && s.live.file != nil {
		_, _ = s.follow() // what has been rotated without a byte behind it
	}
	if !now.Before(s.timed.due) {
		s.writeTimesNow(now)
	}
}

func (s *Stream) writeTimesNow(now time.Time) {
	index := s.timed.index
	if index == nil || !index.Owes() {
		return
	}
	s.timed.due = now.Add(timesEvery)
	err := index.Flush()
	if err == nil {
		err = index.Trim(int(s.account.rotatedFiles.Load()))
	}
	if err != nil {
		s.timed.due = now.Add(timesAgain)
		s.warnTimes(err)
	}
	s.shown.timesBytes.Store(index.Bytes())
}
