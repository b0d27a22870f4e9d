package rotation

import (
	"slices"
	"strconv"
	"strings"

	"sluice/core/sandbox"
	"sluice/core/seriesname"
)

// numbered plans the shift of numbered files, from the highest slot down so that the way is
// always free.
func (p *planner) numbered() {
	s := p.scheme
	p.final = s.Slot(s.Start())
	if p.policy.DelayCompress && p.policy.Compresses() {
		p.owe(p.final)
	}
	count := p.count()
	if p.policy.Rotate == -1 {
		count = highest(p.scheme, p.files, p.pending)
	}
	top := s.Start() + count
	scripts := p.policy.Scripts.Any()
	if p.disposesTop() && !scripts {
		p.eachForm(top, p.remove)
	}
	at := len(p.steps)
	var moves []Step
	for _, slot := range p.occupied(top) {
		p.eachForm(slot, func(name string) {
			if step, shifted := p.ageOrShift(name, slot, top); shifted {
				moves = append(moves, step)
			}
		})
	}
	if p.disposesTop() && scripts {
		p.eachForm(top, p.remove)
	}
	p.guardShift(at, moves)
}

// occupied lists the slots below top that may be taken, from the highest down. Under a policy
// that keeps millions of files it lists only those that are there.
func (p *planner) occupied(top int) []int {
	var slots []int
	if top-p.scheme.Start() <= maxProbes {
		for slot := top - 1; slot >= p.scheme.Start(); slot-- {
			slots = append(slots, slot)
		}
		return slots
	}
	for name := range p.files {
		if at, ok := p.scheme.Parse(name); ok && at.Number >= p.scheme.Start() && at.Number < top {
			slots = append(slots, at.Number)
		}
	}
	slices.SortFunc(slots, func(a, b int) int { return b - a })
	return slices.Compact(slots)
}

// disposesTop says whether a file that is pushed out of the last slot goes. If no file is kept,
// logrotate disposes of the live file instead, and the oldest stays.
func (p *planner) disposesTop() bool {
	return p.policy.Rotate != -1 && p.disposesOldest()
}

// disposesOldest says whether the oldest file goes at the end of a rotation.
func (p *planner) disposesOldest() bool {
	if !p.keepsNone() {
		return true
	}
	if !p.policy.CopyTruncate {
		return false
	}
	// copytruncate has copied nothing: compressing what is not there fails, and then logrotate
	// disposes of nothing.
	_, leftover := p.files[p.final]
	return !p.compressesNow() || leftover
}

// highest is the number of the last counted file, 0 if there is none.
func highest(s seriesname.Scheme, files map[string]sandbox.Info, pending map[string]bool) int {
	last := 0
	for name := range files {
		at, ok := s.Parse(name)
		if ok && at.Number > last && (pending[name] || s.Counts(at)) {
			last = at.Number
		}
	}
	return last
}

// eachForm visits the names that take a slot: the counted one, and the plain one while it waits
// for its compression. If compression is delayed, the plain file of the first slot belongs to
// the series as well.
func (p *planner) eachForm(slot int, visit func(name string)) {
	plain := p.scheme.Slot(slot)
	counted := p.scheme.Compressed(plain)
	if _, exists := p.files[counted]; exists {
		visit(counted)
	}
	if plain == counted {
		return
	}
	info, exists := p.files[plain]
	delayed := p.policy.DelayCompress && slot == p.scheme.Start()
	if exists && (p.scheme.CountsPlain() || p.pending[plain] || delayed && !info.Ours()) {
		visit(plain)
	}
}

// ageOrShift moves one file up a slot, or disposes of it if it is too old or the next slot is
// beyond the last.
func (p *planner) ageOrShift(name string, slot, top int) (Step, bool) {
	info := p.files[name]
	to := p.scheme.Slot(slot+1) + strings.TrimPrefix(name, p.scheme.Slot(slot))
	if !info.Mode.IsDir() {
		gone := slot+1 == top && p.disposesTop() && !p.policy.Scripts.Any()
		if gone || p.tooOld(info) {
			p.removeNow(name)
			return Step{}, false
		}
	}
	return p.shift(name, to), true
}

// guardShift makes sure that the series can recover from a kill amid the moves. If every slot
// from the first on is taken exactly once, it is enough to take the live file first: then the
// free slot tells how far the moves have come. Otherwise it notes the moves.
func (p *planner) guardShift(at int, moves []Step) {
	if len(moves) == 0 {
		return
	}
	guard := Step{Op: OpTake, From: p.live.Name, To: seriesname.Taken(p.live.Name), Inode: p.live.Inode}
	p.taken = p.simple(at, moves)
	if !p.taken {
		guard = Step{Op: OpNoteShift, Note: shiftNote(p.live.Inode, moves)}
	} else if p.steps[at].Op == OpRemove {
		at++
	}
	p.steps = slices.Insert(p.steps, at, guard)
}

// simple says that there is one move for each slot from the first on, and nothing else. With
// scripts it is false: they must find the live file under its name.
func (p *planner) simple(at int, moves []Step) bool {
	if p.policy.Scripts.Any() {
		return false
	}
	for i, m := range moves {
		if place, ok := p.scheme.Parse(m.From); !ok || place.Number != p.scheme.Start()+len(moves)-1-i {
			return false
		}
	}
	for i, s := range p.steps[at:] {
		// A file that is pushed out goes before the first move.
		if s.Op != OpShift && (s.Op != OpRemove || i > 0) {
			return false
		}
	}
	return true
}

func (p *planner) forgetShift() {
	for _, s := range p.steps {
		if s.Op == OpNoteShift {
			p.add(Step{Op: OpForgetShift})
			return
		}
	}
}

// shiftNote is the live file's inode and, for every move, the inode and the old name. The
// separator is a slash, which names of the scheme never have. A note that would be too long is
// left out: then a kill in the middle of such a shift, of more than some hundred files, leaves a
// gap in the numbers.
func shiftNote(live uint64, moves []Step) string {
	var b strings.Builder
	b.WriteString(strconv.FormatUint(live, 36))
	for _, m := range moves {
		b.WriteString("/" + strconv.FormatUint(m.Inode, 36) + "/" + m.From + "/" + m.To)
	}
	if b.Len() > maxNoteBytes {
		return ""
	}
	return b.String()
}
