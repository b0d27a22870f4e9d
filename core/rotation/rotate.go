package rotation

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"sluice/core/rotation/script"
	"sluice/core/sandbox"
)

// Rotate makes the live file the youngest of the series, or removes it if the policy keeps none,
// and disposes of what the policy does not keep. now is the time of the rotation, in the location
// whose dates are wanted. What bears the live name but is not a file of ours is moved aside.
// Outcome.Free tells whether the name is free afterwards.
//
// An error leaves the live file, or what stands in its place, where it is; the next
// call starts anew.
func (s *Set) Rotate(now time.Time) (Outcome, error) {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == nil {
		return Outcome{}, fmt.Errorf("rotate %q: %w", s.cfg.Base, fs.ErrClosed)
	}
	out, err := s.rotateLocked(now)
	out.Impostors, s.impostors = s.impostors, 0
	return out, err
}

func (s *Set) rotateLocked(now time.Time) (Outcome, error) {
	if s.unfinished {
		if err := s.resumeLocked(); err != nil {
			return Outcome{}, fmt.Errorf("rotate %q: %w", s.cfg.Base, err)
		}
	}
	out := Outcome{Live: s.liveAfter(nil)}
	live, err := s.cfg.Dir.Stat(s.cfg.Base)
	if errors.Is(err, fs.ErrNotExist) {
		out.Missing = true
		return out, nil
	}
	if err != nil {
		return out, fmt.Errorf("rotate: %w", err)
	}
	if !live.Mode.IsRegular() || live.Links != 1 && !s.cfg.Policy.AllowHardLink {
		return s.disown(out)
	}
	if s.cfg.Policy.NotIfEmpty && live.Size == 0 {
		out.Empty = true
		return out, nil
	}
	out.Live = s.liveAfter(&live)
	return s.rotateLiveLocked(live, now, out)
}

// rotateLiveLocked plans and applies.
func (s *Set) rotateLiveLocked(live sandbox.Info, now time.Time, out Outcome) (Outcome, error) {
	files, err := s.lookLocked()
	if err != nil {
		return out, fmt.Errorf("rotate %q: %w", s.cfg.Base, err)
	}
	s.countLocked(files)
	steps := plan(view{live: live, files: files, pending: s.pendingLocked(), held: s.held}, s.scheme, s.cfg.Policy, now)
	err = s.applyLocked(steps, &out)
	s.countRotatedLocked(live, out)
	s.leaveShelterLocked()
	if errors.Is(err, errVanished) && !s.unfinished {
		out.Missing = true
		return out, nil
	}
	if err != nil {
		return out, err
	}
	s.submitAllLocked()
	return out, nil
}

// disown moves aside what stands in the live file's place.
func (s *Set) disown(out Outcome) (Outcome, error) {
	if _, err := s.cfg.Dir.MoveAside(s.cfg.Base); err != nil {
		return out, err
	}
	s.impostors++
	out.Missing = true
	return out, s.killed("disown")
}

// resumeLocked takes back or finishes what a broken rotation left.
func (s *Set) resumeLocked() error {
	if err := s.undoShiftLocked(); err != nil {
		return err
	}
	if err := s.sweepLocked(); err != nil {
		return err
	}
	if err := s.finishShiftLocked(); err != nil {
		return err
	}
	if err := s.finishRemovalLocked(); err != nil {
		return err
	}
	s.unfinished = false
	return nil
}

// runScript runs a script of the policy without the lock: it may take long, and compressions may
// finish meanwhile.
func (s *Set) runScript(step Step, out *Outcome) {
	s.makeLive(step, out)
	command := s.scriptCommand(step)
	if err := s.unlocked(func() error { return s.run(command) }); err != nil {
		out.FailedScripts++
		out.Problems = append(out.Problems, fmt.Errorf("script %s: %w", step.Script, err))
	}
}

// makeLive has the new live file made for the scripts that follow.
func (s *Set) makeLive(step Step, out *Outcome) {
	policy := s.cfg.Policy
	after := step.Script == "postrotate" || step.Script == "lastaction"
	if !after || !policy.Create.On || policy.CopyTruncate || !out.Rotated || out.LiveMade || s.cfg.MakeLive == nil {
		return
	}
	if err := s.cfg.MakeLive(out.Live); err != nil {
		out.Problems = append(out.Problems, fmt.Errorf("make the live file before %s: %w", step.Script, err))
		return
	}
	out.LiveMade = true
}

func (s *Set) run(command script.Command) error {
	if s.cfg.RunScript == nil {
		return errNoScripts
	}
	return s.cfg.RunScript(command)
}

var errNoScripts = errors.New("commands are not permitted")

// scriptCommand gives a script the arguments that logrotate gives it: the pattern of the
// configuration, including quotes and the trailing blank, or the paths.
func (s *Set) scriptCommand(step Step) script.Command {
	scripts := s.cfg.Policy.Scripts
	live := path.Join(s.cfg.Path, s.cfg.Base)
	pattern := `"` + live + `" `
	switch step.Script {
	case "firstaction":
		return script.Shell(step.Script, scripts.FirstAction, pattern)
	case "lastaction":
		return script.Shell(step.Script, scripts.LastAction, pattern)
	case "preremove":
		return script.Shell(step.Script, scripts.PreRemove, s.seriesPath(step.From))
	}
	text := scripts.PreRotate
	args := []string{live}
	if step.Script == "postrotate" {
		text = scripts.PostRotate
		args = append(args, s.seriesPath(step.From))
	}
	if scripts.Shared {
		args = []string{pattern}
	}
	return script.Shell(step.Script, text, args...)
}

// seriesPath is the path of a rotated file as scripts see it.
func (s *Set) seriesPath(name string) string {
	return path.Join(s.cfg.Path, s.cfg.Policy.OldDir, name)
}
