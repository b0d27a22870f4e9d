package main

import (
	"sluice/core/owner"
	"sluice/core/rotation"
	"sluice/core/sandbox"
)

// figures are those of the records, for streams that nobody serves. Records of another
// boot are left out: their containers are gone.
func (r *records) figures() (streams []owner.Stream) {
	boot, err := r.view.BootID()
	for _, stream := range r.streams {
		if err == nil && stream.GetBootId() != boot {
			continue
		}
		figures := stream.figures()
		r.addFiles(stream, &figures)
		streams = append(streams, figures)
	}
	return streams
}

// figures are the account of the last rotation.
func (r recorded) figures() owner.Stream {
	a := r.GetAccounting()
	return owner.Stream{
		ID: r.id, Container: r.GetContainerId(), Stream: r.GetStream(), Framework: r.GetFrameworkId(),
		Executor: r.GetExecutorId(), Task: r.GetTaskId(), Sandbox: r.GetSandbox(), User: r.GetUser(),
		State:   owner.Waiting,
		InBytes: a.GetWrittenBytes() + a.GetDroppedBytes(), WrittenBytes: a.GetWrittenBytes(),
		DroppedBytes: a.GetDroppedBytes(), DroppedLines: a.GetDroppedLines(), Rotations: a.GetRotations(),
		LastRotationUnixNano: a.GetLastRotationUnixNano(), CreatedUnixNano: r.GetCreatedUnixNano(),
		LongestBlockedNanos: a.GetLongestBlockedNanos(),
	}
}

// addFiles adds what the sandbox tells, where it can be read: the files, and what was
// written since the last rotation.
func (r *records) addFiles(stream recorded, figures *owner.Stream) {
	settings, err := r.settings(stream)
	if err != nil {
		return
	}
	dir, err := sandbox.Open(stream.GetSandbox())
	if err != nil {
		return
	}
	defer dir.Close()
	live, a := stream.GetStream(), stream.GetAccounting()
	if info, err := dir.Stat(live); err == nil && info.Ours() {
		figures.Files, figures.DiskBytes, figures.LiveBytes = 1, info.Size, info.Size
		since := info.Size - a.GetCarriedBytes()
		if info.Inode == a.GetLiveInode() {
			since = info.Size - a.GetLiveStartBytes()
		}
		figures.WrittenBytes += max(0, since)
		figures.InBytes += max(0, since)
	}
	rotated := dir
	if settings.Policy.OldDir != "" {
		if rotated, err = dir.Sub(settings.Policy.OldDir); err != nil {
			return
		}
		defer rotated.Close()
	}
	names := rotation.NamesOf(settings.Policy, live)
	found, _ := rotated.List(maxListed, func(name string) bool { _, ok := names.Place(name); return ok })
	for _, info := range found {
		figures.Files++
		figures.DiskBytes += info.Size
	}
}

// maxListed names of a sandbox are looked at.
const maxListed = 100000
