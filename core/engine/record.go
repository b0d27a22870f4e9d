package engine

import (
	"sluice/core/settings"
	"sluice/core/state"
	"sluice/core/worker"
	"time"

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
		},
		Accounting: &sluicepb.Accounting{},
	}
}

// identityOf gives whose files a recorded stream has: the ids of then, so that a
// user who was removed meanwhile does not cost a running container its log.
func identityOf(r *sluicepb.StreamRecord) worker.Identity {
	return worker.Identity{UID: int(r.GetUid()), GID: int(r.GetGid()), Groups: r.GetGroups()}
}

// recordedSettings reads the settings of a record again, under the present rules of
// the operator.
func recordedSettings(module settings.Module, r *sluicepb.StreamRecord) (settings.Stream, error) {
	recorded := r.GetSettings()
	return module.WithPolicy(settings.Stream{
		MaxBytes:     recorded.GetMaxBytes(),
		MaxBytesFrom: recordedOrigin(recorded.GetMaxBytesFrom()),
		OptionsText:  recorded.GetOptionsText(),
		OptionsFrom:  recordedOrigin(recorded.GetOptionsFrom()),
		MaxRateBytes: recorded.GetMaxRateBytes(),
		MaxRateFrom:  recordedOrigin(recorded.GetMaxRateFrom()),
	}, r.GetUser(), r.GetSandbox())
}

func originRecord(o settings.Origin) *sluicepb.Origin {
	return &sluicepb.Origin{Task: o.Task, Name: o.Name}
}

func recordedOrigin(o *sluicepb.Origin) settings.Origin {
	return settings.Origin{Task: o.GetTask(), Name: o.GetName()}
}
