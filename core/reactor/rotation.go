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

// Files tells where the files of a stream are, and whose they are.
type Files struct {
	Dir      *sandbox.Dir // borrowed
	Path     string       // of Dir, for people and scripts
	Name     string       // of the live file
	As       worker.Identity
	Settings settings.Stream
	Account  Account // nil: no budget
	Log      *slog.Logger
}

// Account is what a budget knows of a stream.
type Account interface {
	// Keeps hears what the rotated files take (rotation.Config.Kept).
	Keeps(set *rotation.Set, now rotation.Kept, rotated bool)
	// ConfText tells what was deleted of them, below the policy (policyfile.Source.More).
	ConfText() string
}

// commandQueue is where work that may run commands waits. Each container has its own, so a
// command that takes its time holds up nobody else.
func (f *Files) commandQueue() uint64 { return f.Dir.Inode() }

// Equip fills in s, for a stream with these files: everything but the stream itself, which
// the caller makes of the returned configuration and its own additions. of hears of the
// stream's services.
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

// rotation is the configuration of the rotation of these files, whose compressions and
// scripts the reactor runs.
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

// scriptRunner gives the function that runs the commands of a stream's policy as the task's
// user. Whether a policy may have commands was decided when it was read. An operator's
// commands get the environment of the host, as under the replaced program; those of a task
// have no business with its secrets.
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

// AtOnce gives the function that runs the end of a compression on a thread of normal
// priority, because the end holds the lock that rotations of the stream take. The background
// thread waits for it, so that no more outputs are open than there are threads. If the end is
// refused, the background thread runs it itself: what the attempt holds must be released.
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
