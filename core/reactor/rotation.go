package reactor

import (
	"log/slog"
	"time"

	"sluice/core/policyfile"
	"sluice/core/rotation"
	"sluice/core/rotation/script"
	"sluice/core/sandbox"
	"sluice/core/schedule"
	"sluice/core/settings"
	"sluice/core/stream"
	"sluice/core/worker"
)

// Files is where the files of a stream are, and whose.
type Files struct {
	Dir      *sandbox.Dir // borrowed
	Path     string       // of Dir, for people and scripts
	Name     string       // of the live file
	As       worker.Identity
	Settings settings.Stream
	Account  Account // nil: no budget
	Log      *slog.Logger
}

// Account is what a budget has of a stream.
type Account interface {
	// Keeps hears what the rotated files take (rotation.Config.Kept).
	Keeps(set *rotation.Set, now rotation.Kept, rotated bool)
	// ConfText tells what was deleted of them, below the policy (policyfile.Source.More).
	ConfText() string
}

// commandQueue is where the work of a container waits that may run commands: one that
// takes its time holds nobody else.
func (f *Files) commandQueue() uint64 { return f.Dir.Inode() }

// Equip gives a stream with these files what the reactor services it with: all of s but the
// stream itself, which the caller makes of what is returned, and of what else it has for it. of
// is who hears of its services.
func (r *Reactor) Equip(s *Served, of schedule.Stream, f *Files) stream.Config {
	s.Member = schedule.NewMember(of, f.As, f.Dir.Device(), f.Dir.Inode(), f.commandQueue())
	s.Seat = r.Compressions.NewSeat(f.Log)
	s.Policy = policyfile.New(policyfile.Source{
		Dir: f.Dir, Path: f.Path, Name: f.Name, Settings: f.Settings, More: f.Account,
	}, f.Log)
	return stream.Config{
		Name:     f.Name,
		Sandbox:  f.Dir,
		Settings: f.Settings,
		Rotation: r.rotation(f, s.Member),
		Parking:  s.Seat,
		Now:      time.Now,
		Log:      f.Log,
	}
}

// rotation is what the rotation of these files is made of: its compressions and its scripts
// are run by the reactor.
func (r *Reactor) rotation(f *Files, m *schedule.Member) rotation.Config {
	config := rotation.Config{
		Dir:        f.Dir,
		Path:       f.Path,
		Base:       f.Name,
		Policy:     f.Settings.Policy,
		LimitBytes: f.Settings.Policy.LimitBytes(f.Settings.MaxBytes),
		Submit:     r.submitter(f, m),
		Settle:     r.AtOnce(f.Dir, f.As),
		RunScript:  r.scriptRunner(f),
		Guard:      r.guard,
		Log:        f.Log,
		Now:        time.Now,
	}
	if f.Account != nil {
		config.Kept = f.Account.Keeps
	}
	return config
}

// submitter gives the function by which the compressions of a stream get a thread.
func (r *Reactor) submitter(f *Files, m *schedule.Member) func(rotation.Task) {
	unpark := func() { r.Loop.Unpark(m) }
	if policy := &f.Settings.Policy; policy.Compressor.External || policy.Scripts.PreRemove != "" {
		return r.Compressions.CommandSubmitter(f.commandQueue(), f.As, unpark)
	}
	return r.Compressions.Submitter(f.Dir.Device(), f.As, unpark)
}

// scriptRunner gives the function that runs the commands of a stream's policy as the
// task's user. Which policies may have commands was decided when they were read. Those of
// an operator get the environment of the host, as under the replaced program; those of a
// task have no business with its secrets.
func (r *Reactor) scriptRunner(f *Files) func(script.Command) error {
	runner := &script.Runner{
		Dir:     f.Dir,
		Timeout: r.scriptTimeout,
		Stop:    r.stopping,
		Env:     r.environment,
		Log:     f.Log,
		Guard:   r.guard,
	}
	if f.Settings.OptionsFrom.Task {
		runner.Env = script.Environment(nil)
	}
	if !r.Self.Equal(f.As) {
		runner.As = &script.Credential{UID: uint32(f.As.UID), GID: uint32(f.As.GID), Groups: f.As.Groups}
	}
	return runner.Run
}

// AtOnce gives the function by which the end of a compression gets a thread of normal
// priority: it holds the lock that the rotations of its stream take. The thread in the
// background waits for it, so that no more outputs are open than there are threads, and
// does it itself where it is refused: what the attempt holds must be released.
func (r *Reactor) AtOnce(dir *sandbox.Dir, as worker.Identity) func(func()) {
	return func(work func()) {
		done, left := make(chan struct{}), false
		r.Workers.Submit(&worker.Task{As: as, Device: dir.Device(), Urgent: true, Owner: dir.Inode(), Run: func(_ *worker.Thread, refused error) {
			defer close(done)
			if left = refused != nil; !left {
				work()
			}
		}})
		<-done
		if left {
			work()
		}
	}
}
