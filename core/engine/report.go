package engine

import (
	"log/slog"

	"sluice/core/pump"
)

// report is what the start of an owner has to tell of what it found. There may be
// thousands of a kind, which one line tells.
type report struct {
	swept                      int // records of former boots, and what was half made
	unusableRecords, unwritten int
	waiting, newerRecords      int
	endedAlone                 int
	first                      [kinds]firstOf
	scratch                    pump.Scratch // closed by tell
}

// firstOf is the example of its kind.
type firstOf struct {
	id  string
	why error
}

const (
	unusableKind = iota
	drainedKind
	laterKind
	newerKind
	unattendedKind
	kinds
)

func (r *report) note(kind int, id string, why error) {
	if r.first[kind].id == "" {
		r.first[kind] = firstOf{id, why}
	}
}

// unusable tells of a record that was set aside.
func (r *report) unusable(id string, why error) {
	r.unusableRecords++
	r.note(unusableKind, id, why)
}

// drained tells of a stream without a record that this version can use.
func (r *report) drained(id string, why error) {
	r.unwritten++
	r.note(drainedKind, id, why)
}

// later tells of a stream that cannot be taken now.
func (r *report) later(id string, why error) {
	r.waiting++
	r.note(laterKind, id, why)
}

// newer tells of a stream that a newer version began.
func (r *report) newer(id string, why error) {
	r.newerRecords++
	r.note(newerKind, id, why)
}

// unattended tells of a stream whose container ended while nobody had its pipe open.
func (r *report) unattended(id string) {
	r.endedAlone++
	r.note(unattendedKind, id, nil)
}

// tell writes it.
func (r *report) tell(log *slog.Logger) {
	defer r.scratch.Close()
	say := func(level func(string, ...any), kind, number int, text string) {
		if first := r.first[kind]; number > 0 {
			level(text, "streams", number, "first", first.id, "error", first.why)
		}
	}
	say(log.Error, unusableKind, r.unusableRecords,
		"a stream found in the state directory cannot be served; its record is set aside, and what its container writes is counted and dropped")
	say(log.Error, drainedKind, r.unwritten,
		"a stream found in the state directory has no record that this version can use; what its container writes is counted and dropped")
	say(log.Error, laterKind, r.waiting,
		"a stream found in the state directory cannot be taken now; it is tried again until it can")
	say(log.Warn, newerKind, r.newerRecords,
		"a stream found in the state directory was begun by a newer version; it is served as far as its record is understood")
	if r.endedAlone > 0 {
		log.Warn("containers ended while nobody had their pipes open; their last output may be lost, and their logs say so",
			"streams", r.endedAlone, "first", r.first[unattendedKind].id)
	}
	if r.swept > 0 {
		log.Info("removed the records of streams from before the last boot", "records", r.swept)
	}
}
