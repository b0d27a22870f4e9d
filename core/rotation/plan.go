package rotation

import (
	"maps"
	"strconv"
	"strings"
	"time"

	"sluice/core/logrotate"
	"sluice/core/sandbox"
	"sluice/core/seriesname"
)

// view is what a plan is made from: the live file, and what has names of the series in its
// directory.
type view struct {
	live  sandbox.Info
	files map[string]sandbox.Info
	// pending has the plain names that are still to be compressed.
	pending map[string]bool
	// held has the files that gave up their name to a pending one, by that name.
	held map[string]sandbox.Info
}

// planner makes a plan. It tracks what its own steps do to the names, so that later steps know
// what stands in their way.
type planner struct {
	policy logrotate.Policy
	scheme seriesname.Scheme
	now    time.Time

	live    sandbox.Info
	files   map[string]sandbox.Info
	pending map[string]bool
	held    map[string]sandbox.Info

	steps []Step
	// doomed are files that go only after the scripts have run.
	doomed []doom
	// taken says that the live file has been taken before the shift.
	taken bool
	final string
}

// doom is a name to be removed, and the file that bears it.
type doom struct {
	name  string
	inode uint64
}

// plan gives the steps of one rotation at now. It is pure.
func plan(v view, s seriesname.Scheme, policy logrotate.Policy, now time.Time) []Step {
	p := &planner{
		policy: policy, scheme: s, now: now, live: v.live,
		files: maps.Clone(v.files), pending: maps.Clone(v.pending), held: maps.Clone(v.held),
	}
	p.script("firstaction", policy.Scripts.FirstAction, "")
	if s.Dated() {
		p.dated()
	} else {
		p.numbered()
	}
	p.script("prerotate", policy.Scripts.PreRotate, "")
	p.moveLive()
	p.afterwards()
	return p.steps
}

// keepsNone says that the live file is removed instead of kept.
func (p *planner) keepsNone() bool { return p.policy.Rotate == 0 }

// copies says that the replaced program would copy the live file: then a file that stands in
// the way becomes a backup instead of being overwritten.
func (p *planner) copies() bool { return p.policy.CopyTruncate || p.policy.RenameCopy }

// compressesNow says that the file being rotated out is compressed right away.
func (p *planner) compressesNow() bool { return p.policy.Compresses() && !p.policy.DelayCompress }

// count is how many files a rotation looks at.
func (p *planner) count() int { return max(p.policy.Rotate, 1) }

func (p *planner) add(s Step) { p.steps = append(p.steps, s) }

func (p *planner) tooOld(info sandbox.Info) bool {
	return p.policy.MaxAge > 0 && p.now.Sub(info.ModTime) > p.policy.MaxAge
}

// remove disposes of a name now, or after the scripts where there are any.
func (p *planner) remove(name string) {
	info, exists := p.files[name]
	if !exists || info.Mode.IsDir() {
		// A directory in a file's place is the task's: it is shifted and moved aside like any
		// other impostor, but never removed.
		return
	}
	if p.policy.Scripts.Any() {
		p.doomed = append(p.doomed, doom{name, info.Inode})
		return
	}
	p.removeNow(name)
}

func (p *planner) removeNow(name string) {
	p.add(Step{Op: OpRemove, From: name, SizeBytes: takes(p.files[name]), Inode: p.files[name].Inode})
	delete(p.files, name)
	p.vacate(name)
}

// vacate is called when a pending file has left its name: a held one gets it back.
func (p *planner) vacate(name string) {
	delete(p.pending, name)
	if info, ok := p.held[name]; ok {
		p.files[name] = info
		delete(p.held, name)
	}
}

// shift renames from to to, clearing the way first.
func (p *planner) shift(from, to string) Step {
	p.clearDirectory(to)
	if p.pending[from] {
		p.makeWay(to)
	}
	step := Step{Op: OpShift, From: from, To: to, Inode: p.files[from].Inode}
	p.add(step)
	p.files[to] = p.files[from]
	delete(p.files, from)
	if p.pending[from] {
		p.pending[to] = true
		p.vacate(from)
	}
	return step
}

// makeWay frees a slot for a file that waits for its compression. Its compressed form would
// overwrite a compressed file there; a plain one is from before the policy, which does not touch
// it.
func (p *planner) makeWay(plain string) {
	compressed := p.scheme.Compressed(plain)
	if info, exists := p.files[compressed]; exists && !info.Mode.IsDir() {
		p.removeNow(compressed)
	}
	if info, exists := p.files[plain]; exists {
		p.add(Step{Op: OpHold, From: plain})
		p.held[plain] = info
	}
}

// displace frees a name by making what bears it a backup, as the replaced program does with an
// output file that exists.
func (p *planner) displace(name string) {
	if info, exists := p.files[name]; exists && !info.Mode.IsDir() {
		p.add(Step{Op: OpDisplace, From: name, To: backupName(name, p.now)})
		delete(p.files, name)
	}
}

// clearDirectory moves aside a directory, over which no file can be renamed.
func (p *planner) clearDirectory(name string) {
	if info, exists := p.files[name]; exists && info.Mode.IsDir() {
		p.add(Step{Op: OpAside, From: name})
		delete(p.files, name)
	}
}

func backupName(name string, now time.Time) string {
	return name + now.Format("-2006010215") + ".backup"
}

// owe marks a plain file of the series as one to be compressed; what already has the compressed
// name becomes a backup.
func (p *planner) owe(plain string) {
	info, exists := p.files[plain]
	if !exists || p.pending[plain] || !info.Ours() {
		return
	}
	p.displace(plain + p.scheme.CompressExt())
	p.add(Step{Op: OpOwe, From: plain, Inode: info.Inode})
	p.pending[plain] = true
}

// moveLive ends the life of the live file under its own name.
func (p *planner) moveLive() {
	occupant, occupied := p.files[p.final]
	if p.keepsNone() && !p.policy.Scripts.Any() {
		if p.policy.RenameCopy {
			p.displace(p.final)
		} else if occupied && p.policy.CopyTruncate {
			p.owe(p.final)
		} else if occupied && !occupant.Mode.IsDir() {
			// logrotate renames over it, compresses the result and removes that.
			p.removeNow(p.final)
		}
		p.noteRemoval()
		op := OpRemoveLive
		if p.taken {
			op = OpRemoveTaken
		}
		p.add(Step{Op: op, From: p.live.Name, SizeBytes: takes(p.live)})
		p.final = ""
		return
	}
	if p.pending[p.final] {
		// Only "rotate -1" with "start 0" shifts nothing.
		p.add(Step{Op: OpCompress, From: p.final})
		p.displace(p.final)
	}
	if p.copies() {
		p.displace(p.final)
	}
	p.clearDirectory(p.final)
	if p.keepsNone() {
		p.doomed = append(p.doomed, doom{p.final, p.live.Inode})
	}
	p.noteRemoval()
	if p.compressesNow() && !p.keepsNone() {
		p.add(Step{Op: OpOwe, From: p.final, Inode: p.live.Inode})
	}
	op := OpMove
	if p.taken {
		op = OpPut
	}
	p.add(Step{Op: op, From: p.live.Name, To: p.final, Inode: p.live.Inode})
}

// afterwards adds what follows once the live file has been moved. Compression happens in the
// background and is not a step of the plan, unless a script has to find it done.
func (p *planner) afterwards() {
	p.forgetShift()
	p.script("postrotate", p.policy.Scripts.PostRotate, p.final)
	if p.compressesNow() && compressesInline(p.policy) {
		p.add(Step{Op: OpCompress, From: p.final})
	}
	for _, d := range p.doomed {
		if d.name == p.final {
			p.add(Step{Op: OpRemove, From: p.scheme.Compressed(p.final)})
		}
		if d.name != p.final || p.scheme.CompressExt() != "" {
			p.add(Step{Op: OpRemove, From: d.name, SizeBytes: takes(p.files[d.name]), Inode: d.inode})
		}
	}
	if len(p.doomed) > 0 && p.policy.Scripts.Any() {
		p.add(Step{Op: OpForgetRemoval})
	}
	p.script("lastaction", p.policy.Scripts.LastAction, "")
}

// noteRemoval notes what has to go once the live file has been moved and the scripts have run:
// the live file's inode, and those of what goes.
func (p *planner) noteRemoval() {
	if len(p.doomed) == 0 || !p.policy.Scripts.Any() {
		return // Recover counts dated files, and no others go late.
	}
	var b strings.Builder
	b.WriteString(strconv.FormatUint(p.live.Inode, 36))
	for _, d := range p.doomed {
		b.WriteString("/" + strconv.FormatUint(d.inode, 36))
	}
	if b.Len() <= maxNoteBytes {
		p.add(Step{Op: OpNoteRemoval, Note: b.String()})
	}
}

// compressesInline says that scripts can see when compression happens.
func compressesInline(policy logrotate.Policy) bool {
	return policy.Scripts.PreRemove != "" || policy.Scripts.LastAction != ""
}

func (p *planner) script(name, text, final string) {
	if text != "" {
		p.add(Step{Op: OpScript, Script: name, From: final})
	}
}
