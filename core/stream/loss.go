package stream

import (
	"fmt"
	"time"

	"sluice/core/logformat"
	"sluice/core/pump"
	"sluice/core/worker"
	sluicepb "sluice/proto"
)

// loss is output that is dropped between two bytes that were written: from the write that
// failed on until a mark in the log tells of it. A stream has one at a time, while it is
// dropping. The zero value is none.
type loss struct {
	// gap is what is known of it. It is in the record too, from before the first byte is
	// dropped. nil: there is no loss.
	gap *sluicepb.Gap
	// tryAt is when to try to write again.
	tryAt time.Time
	// pause grows while nothing comes.
	pause time.Duration
	// endedAt is when the container ended within it.
	endedAt time.Time
	// spill is where its bytes go on their way to the account.
	spill spill
}

const (
	// longestPause is the longest pause between two looks at a silent pipe whose output
	// is dropped: the file system, not the pipe, is what is waited for.
	longestPause = 250 * time.Millisecond
	// markTimeout is how long the end of a loss is waited for when the container has
	// ended.
	markTimeout = time.Hour
)

// begin begins one, which is not tried to end before tryAt.
func (l *loss) begin(gap *sluicepb.Gap, tryAt time.Time) {
	*l = loss{gap: gap, tryAt: tryAt, spill: l.spill}
}

// resume goes on with that of a record, if there is one.
func (l *loss) resume(gap *sluicepb.Gap) {
	l.gap, l.tryAt, l.pause = gap, time.Time{}, 0
}

// end forgets it: a mark tells of it, or nothing was lost.
func (l *loss) end() {
	l.spill.close()
	l.gap = nil
}

// add counts a chunk; within says that a line goes on after it.
func (l *loss) add(bytes, lines int, within bool) {
	l.gap.Bytes += int64(bytes)
	l.gap.Lines += int64(lines)
	l.gap.WithinLine = within
}

// nothing says that there is nothing that a mark would have to tell.
func (l *loss) nothing() bool { return l.gap.GetBytes() == 0 && !l.gap.GetUnknown() }

// silent is the pause after a look that found nothing.
func (l *loss) silent() time.Duration {
	l.pause = min(max(2*l.pause, pump.ShortestPause), longestPause)
	return l.pause
}

// ended notes that the container has, and gives the pause before the next attempt at the
// mark; late says that it has been waited for long enough.
func (l *loss) ended(now time.Time) (pause time.Duration, late bool) {
	if l.endedAt.IsZero() {
		l.endedAt = now
	}
	waited := now.Sub(l.endedAt)
	return min(max(l.tryAt.Sub(now), waited/4, retrySoon), time.Minute), waited >= markTimeout
}

// markText is the mark; torn says that the live file ends within a line.
func (l *loss) markText(now time.Time, torn bool) []byte {
	return logformat.Mark{
		At: now, Since: time.Unix(0, l.gap.GetSinceUnixNano()), Unknown: l.gap.GetUnknown(),
		Bytes: l.gap.GetBytes(), Lines: l.gap.GetLines(), Reason: reason(l.gap), TornBefore: torn,
	}.Text()
}

// lose drops up to budget bytes, but no more than a chunk. Errors as pump.Splice, or
// of the state directory.
func (s *Stream) lose(t *worker.Thread, budget int) (count int, err error) {
	to := &s.loss.spill
	if err := to.open(t, s.Keeper); err != nil {
		return 0, err
	}
	// What could not be counted before comes first.
	if err := s.countSpilled(t); err != nil {
		return 0, err
	}
	buffered, err := s.scratch.Ready(s.Pipe)
	if err != nil {
		return 0, err
	}
	start := s.spillStart()
	room, err := to.reserve(start, min(budget, buffered, spillBytes), s.recordBytes())
	if err != nil {
		return 0, err
	}
	count, err = s.scratch.Splice(s.Pipe, to.fd(), start, room)
	if count == 0 {
		return 0, err
	}
	to.uncounted = count
	return count, s.countSpilled(t)
}

// spillStart is where the next chunk belongs.
func (s *Stream) spillStart() int64 { return spillStart(s.Record.GetAccounting().GetSpilledChunks()) }

// recordBytes is more than the record takes on a disk, also with another in it (Interlude).
func (s *Stream) recordBytes() int64 { return 16<<10 + 2*int64(len(s.Settings.OptionsText)) }

// countSpilled counts what is in the spill, saves the record and empties the spill. It can be
// repeated.
func (s *Stream) countSpilled(t *worker.Thread) error {
	from := &s.loss.spill
	if from.uncounted > 0 {
		lines, ended, err := pump.CountLines(from.fd(), s.spillStart(), from.uncounted)
		if err != nil {
			return fmt.Errorf("read what was dropped: %w", err)
		}
		s.loss.add(from.uncounted, lines, !ended)
		s.noteChunk()
		s.account.drop(understood(s.loss.gap.GetCause()), from.uncounted, lines)
		from.uncounted, from.owed = 0, true
	}
	if !from.owed {
		return nil
	}
	if err := from.giveReserve(); err != nil {
		return err
	}
	if err := s.save(t); err != nil {
		return err
	}
	return from.empty()
}

// resumeLoss goes on with a loss that has not ended, and counts the chunk that a kill left
// uncounted.
func (s *Stream) resumeLoss(t *worker.Thread) error {
	s.loss.resume(s.Record.GetAccounting().GetGap())
	s.backoff.since = time.Time{}
	err := s.loss.spill.recover(t, s.Keeper, s.spillStart())
	if err == nil && s.loss.gap == nil && s.loss.spill.uncounted > 0 {
		// Only a record that somebody else wrote has none here.
		s.loss.gap = &sluicepb.Gap{SinceUnixNano: s.Now().UnixNano()}
		s.noteGap(s.loss.gap)
	}
	if err == nil {
		err = s.countSpilled(t)
	}
	if err != nil {
		return fmt.Errorf("count what of %q was dropped: %w", s.Name, err)
	}
	if s.loss.gap == nil {
		s.loss.spill.close()
	}
	return nil
}
