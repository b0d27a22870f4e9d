package engine

import (
	"time"

	"sluice/core/logrotate"
	"sluice/core/settings"
	"sluice/core/state"
	"sluice/core/worker"
	sluicepb "sluice/proto"
)

// newRecord describes a stream that begins.
func newRecord(dir *state.Dir, launch Launch, box *sharedSandbox, identity worker.Identity, name string, s settings.Stream) *sluicepb.StreamRecord {
	return &sluicepb.StreamRecord{
		BootId:          dir.BootID(),
		CreatedUnixNano: time.Now().UnixNano(),
		ContainerId:     launch.ContainerID,
		Stream:          name,
		FrameworkId:     launch.FrameworkID,
		ExecutorId:      launch.ExecutorID,
		TaskId:          launch.TaskID,
		Sandbox:         launch.Sandbox,
		SandboxDevice:   box.Device(),
		SandboxInode:    box.Inode(),
		User:            launch.User,
		Uid:             uint32(identity.UID),
		Gid:             uint32(identity.GID),
		Groups:          identity.Groups,
		Settings: &sluicepb.Settings{
			MaxBytes:     s.MaxBytes,
			MaxBytesFrom: originRecord(s.MaxBytesFrom),
			OptionsText:  s.OptionsText,
			OptionsFrom:  originRecord(s.OptionsFrom),
			MaxRateBytes: s.MaxRateBytes,
			MaxRateFrom:  originRecord(s.MaxRateFrom),
			WhenFull:     whenFullRecord(s.WhenFull),
			FirstBytes:   s.FirstBytes,
		},
		Accounting: &sluicepb.Accounting{},
	}
}

// identityOf gives whose files a recorded stream has: the ids of then, so that a
// user who was removed meanwhile does not cost a running container its log.
func identityOf(r *sluicepb.StreamRecord) worker.Identity {
	return worker.Identity{UID: int(r.GetUid()), GID: int(r.GetGid()), Groups: r.GetGroups()}
}

// RecordedSettings reads the settings of a record again, under the present rules of
// the operator: what they do not allow any more is left out (settings.Stream.Withheld).
func RecordedSettings(module settings.Module, r *sluicepb.StreamRecord) settings.Stream {
	recorded := r.GetSettings()
	return module.ForUser(int(r.GetUid())).WithPolicy(settings.Stream{
		MaxBytes:     recorded.GetMaxBytes(),
		MaxBytesFrom: recordedOrigin(recorded.GetMaxBytesFrom()),
		OptionsText:  recorded.GetOptionsText(),
		OptionsFrom:  recordedOrigin(recorded.GetOptionsFrom()),
		MaxRateBytes: recorded.GetMaxRateBytes(),
		MaxRateFrom:  recordedOrigin(recorded.GetMaxRateFrom()),
		WhenFull:     recordedWhenFull(module, recorded.GetWhenFull()),
		FirstBytes:   recorded.GetFirstBytes(),
		Times:        module.Stdout.Times,
	}, r.GetUser(), r.GetSandbox())
}

// grantedPolicy is what a stream's text meant when it was recorded, whoever may say what by
// now: its files have the names and the number of that. nil: the text cannot be read.
func grantedPolicy(r *sluicepb.StreamRecord) *logrotate.Policy {
	policy, _, err := logrotate.Parse(r.GetSettings().GetOptionsText(), logrotate.Rules{AllowScripts: true, Recorded: true})
	if err != nil {
		return nil
	}
	if !policy.RotateSet {
		policy.Rotate = settings.DefaultFiles
	}
	return &policy
}

// recordedSettings is RecordedSettings for a stream that is served again; it tells what of
// its policy does not hold any more.
func (e *Engine) recordedSettings(r *sluicepb.StreamRecord) settings.Stream {
	s := RecordedSettings(e.settings, r)
	if s.Withheld != "" {
		e.log.Warn("the policy of a container that runs is not allowed any more, or cannot be read; what is left of it holds",
			"container", r.GetContainerId(), "stream", r.GetStream(), "not_allowed", s.Withheld, "in_force", s.InForce())
	}
	return s
}

func whenFullRecord(w settings.WhenFull) *sluicepb.WhenFull {
	return &sluicepb.WhenFull{
		Evict:      w.Evict,
		EvictFrom:  originRecord(w.EvictFrom),
		WaitNanos:  int64(w.Wait),
		WaitFrom:   originRecord(w.WaitFrom),
		Block:      w.Policy == settings.Block,
		PolicyFrom: originRecord(w.PolicyFrom),
	}
}

// recordedWhenFull gives what a record says, the operator's where it is of a version
// that knew nothing of this.
func recordedWhenFull(module settings.Module, w *sluicepb.WhenFull) settings.WhenFull {
	if w == nil {
		return module.Stdout.WhenFull
	}
	policy := settings.Drop
	if w.GetBlock() {
		policy = settings.Block
	}
	return settings.WhenFull{
		Evict:      w.GetEvict(),
		EvictFrom:  recordedOrigin(w.GetEvictFrom()),
		Wait:       time.Duration(w.GetWaitNanos()),
		WaitFrom:   recordedOrigin(w.GetWaitFrom()),
		Policy:     policy,
		PolicyFrom: recordedOrigin(w.GetPolicyFrom()),
	}
}

func originRecord(o settings.Origin) *sluicepb.Origin {
	return &sluicepb.Origin{Task: o.Task, Name: o.Name}
}

func recordedOrigin(o *sluicepb.Origin) settings.Origin {
	return settings.Origin{Task: o.GetTask(), Name: o.GetName()}
}
