package rotation

import (
	"time"

	"sluice/core/seriesname"
)

// dated plans a rotation that names files by date: nothing is shifted, and the oldest go.
func (p *planner) dated() {
	if p.policy.DelayCompress && p.policy.Compresses() {
		p.oweAll()
	}
	series := p.series()
	today := p.scheme.Date(p.now)
	p.final = p.freeDay(series, today)
	victims := p.victims(series)
	if !p.disposesOldest() && len(victims) > 0 {
		// logrotate disposes of the live file instead of the last victim, or of nothing.
		victims = victims[:len(victims)-1]
	}
	for i, v := range victims {
		switch {
		case i+1 < len(victims):
			p.removeNow(v.name)
		case v.Date == today:
			// If it went before the live file has its name, a rotation that starts anew after a
			// kill would start counting at the beginning.
			p.doomed = append(p.doomed, doom{v.name, v.inode})
		default:
			p.remove(v.name)
		}
	}
}

// member is a file that the retention counts.
type member struct {
	seriesname.Place
	name  string
	inode uint64
}

// oweAll marks every plain file of the series: compression was only delayed.
func (p *planner) oweAll() {
	var plain []member
	for name, info := range p.files {
		if at, ok := p.scheme.Parse(name); ok && !at.Compressed {
			plain = append(plain, member{at, name, info.Inode})
		}
	}
	p.sort(plain)
	for _, m := range plain {
		p.owe(m.name)
	}
}

// series lists the counted files from the oldest to the youngest. Directories do not count.
func (p *planner) series() []member {
	var series []member
	for name, info := range p.files {
		at, ok := p.scheme.Parse(name)
		if !ok || info.Mode.IsDir() {
			continue
		}
		if p.pending[name] || p.scheme.Counts(at) {
			series = append(series, member{at, name, info.Inode})
		}
	}
	p.sort(series)
	return series
}

// sort orders members from the oldest to the youngest.
func (p *planner) sort(members []member) {
	seriesname.SortByAge(p.scheme, members, func(m member) (seriesname.Place, time.Time) { return m.Place, p.files[m.name].ModTime }, p.now)
}

// freeDay is the name for the live file: today's date, with a counter behind it if today has
// files already. The counter only grows, so that the order of the names is the order of the
// files even if the first of today are gone.
func (p *planner) freeDay(series []member, suffix string) string {
	counter, taken := 0, false
	for _, m := range series {
		if m.Date == suffix {
			taken = true
			counter = max(counter, m.Counter)
		}
	}
	_, directory := p.files[p.scheme.Day(suffix, 0)]
	directory = directory && p.files[p.scheme.Day(suffix, 0)].Mode.IsDir()
	if !taken && !directory {
		return p.scheme.Day(suffix, 0)
	}
	for {
		counter++
		name := p.scheme.Day(suffix, counter)
		if _, exists := p.files[name]; !exists {
			return name
		}
	}
}

// victims are the oldest files beyond the number to keep, and those that are too old.
func (p *planner) victims(series []member) []member {
	beyond := 0
	if p.policy.Rotate >= 0 && len(series) >= p.count() {
		beyond = len(series) - p.count() + 1
	}
	var victims []member
	for i, m := range series {
		if i < beyond || p.tooOld(p.files[m.name]) {
			victims = append(victims, m)
		}
	}
	return victims
}
