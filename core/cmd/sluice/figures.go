package main

import (
	"sluice/core/control"
	"sluice/core/pump"
	"sluice/core/sandbox"
	"sluice/core/seriesname"
	"sluice/core/stream"
)

// figures are those of the records, for streams that nobody serves. Records of another
// boot are left out: their containers are gone.
func (r *records) figures() (streams []control.Stream) {
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
func (r recorded) figures() control.Stream {
	a := r.GetAccounting()
	return control.Stream{
		ID: r.id, Container: r.GetContainerId(), Stream: r.GetStream(), Framework: r.GetFrameworkId(),
		Executor: r.GetExecutorId(), Task: r.GetTaskId(), Sandbox: r.GetSandbox(), User: r.GetUser(),
		State:   control.Waiting,
		InBytes: a.GetWrittenBytes() + a.GetDroppedBytes(), WrittenBytes: a.GetWrittenBytes(),
		DroppedBytes: a.GetDroppedBytes(), DroppedLines: a.GetDroppedLines(), Rotations: a.GetRotations(),
		LastRotationUnixNano: a.GetLastRotationUnixNano(), CreatedUnixNano: r.GetCreatedUnixNano(),
		LongestBlockedNanos: a.GetLongestBlockedNanos(),
	}
}

// addFiles adds what the sandbox tells, where it can be read: the files, and what was
// written since the last rotation.
func (r *records) addFiles(of recorded, figures *control.Stream) {
	settings, err := r.settings(of)
	if err != nil {
		return
	}
	dir, err := sandbox.Open(of.GetSandbox())
	if err != nil {
		return
	}
	defer dir.Close()
	live, a := of.GetStream(), of.GetAccounting()
	if info, birth, err := liveFile(dir, live); err == nil && info.Ours() {
		figures.Files, figures.DiskBytes, figures.LiveBytes = 1, info.Size, info.Size
		start := a.GetCarriedBytes()
		if stream.IsLive(a, info.Inode, birth) {
			start = a.GetLiveStartBytes() + a.GetMark().GetBytes()
		}
		since := max(0, info.Size-start)
		figures.WrittenBytes += since
		figures.InBytes += since
		addLines(figures, dir, of, start, min(info.Size, settings.MaxBytes))
	}
	rotated := dir
	if settings.Policy.OldDir != "" {
		if rotated, err = dir.Sub(settings.Policy.OldDir); err != nil {
			return
		}
		defer rotated.Close()
	}
	names := seriesname.New(settings.Policy, live)
	found, _ := rotated.List(maxListed, func(name string) bool { _, ok := names.Place(name); return ok })
	for _, info := range found {
		figures.Files++
		figures.DiskBytes += info.Size
	}
}

// liveFile looks at what has a live file's name.
func liveFile(dir *sandbox.Dir, name string) (sandbox.Info, sandbox.Birth, error) {
	f, info, err := dir.Pin(name)
	if err != nil {
		return info, sandbox.Birth{}, err
	}
	defer f.Close()
	return info, sandbox.BirthOf(f), nil
}

// maxListed names of a sandbox are looked at.
const maxListed = 100000

// addLines counts what was written since, from..to of the live file, where the lines
// before it were counted. No more is read than the limit of a live file.
func addLines(figures *control.Stream, dir *sandbox.Dir, stream recorded, from, to int64) {
	a := stream.GetAccounting()
	if a.WrittenLines == nil {
		return
	}
	live, err := dir.OpenRead(stream.GetStream())
	if err != nil {
		return
	}
	defer live.Close()
	found := 0
	if to > from {
		if found, _, err = pump.CountLines(int(live.Fd()), from, int(to-from)); err != nil {
			return
		}
	}
	written := a.GetWrittenLines() + int64(found)
	in := written + a.GetDroppedLines()
	figures.WrittenLines, figures.InLines = &written, &in
}
