package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sluice/core/control"
	"sluice/core/limits"
	"sluice/core/sandbox"
	"sluice/core/series"
	"sluice/core/worker"
	"sluice/tests/lossproof"
)

const (
	// slack is how many descriptors an owner may have that come and go, and those of threads
	// that were lent once: each has a pipe to look ahead in.
	slack = 16 + 2*worker.Lent
	// perStream is how many a stream has at the most: pipe, live file, what is rotated,
	// compressed and carried, and its part of the directories.
	perStream = 8
)

// sane looks at what holds of an owner at every time.
func (r *run) sane(f figures) (err error) {
	if f.InBytes != f.WrittenBytes+f.DroppedBytes {
		err = fmt.Errorf("%d bytes in, %d written, %d dropped", f.InBytes, f.WrittenBytes, f.DroppedBytes)
	}
	if f.Panics != 0 {
		err = errors.Join(err, fmt.Errorf("%d panics", f.Panics))
	}
	if r.threads > limits.MostThreads {
		err = errors.Join(err, fmt.Errorf("%d threads, at most %d were expected", r.threads, limits.MostThreads))
	}
	if most := r.empty.descriptors + slack + perStream*2*(len(lasting())+8); r.descriptors > most {
		err = errors.Join(err, fmt.Errorf("%d descriptors, at most %d were expected", r.descriptors, most))
	}
	return err
}

func (r *run) add(f figures) {
	r.inBytes += f.InBytes
	r.dropped += f.DroppedBytes
	r.rotations += f.Rotations
	r.impostors += f.Impostors
}

// account of a stream that is served, by container and stream.
func account(f figures, id, stream string) (control.Stream, bool) {
	for _, s := range f.Served {
		if s.Container == id && s.Stream == stream {
			return s, true
		}
	}
	return control.Stream{}, false
}

// told reads what a container has said of itself.
func (r *run) told(id, what string) (t told, err error) {
	text, err := os.ReadFile(r.place.note(id, what))
	if err != nil {
		return t, err
	}
	return t, json.Unmarshal(text, &t)
}

// unread are the containers of which not everything has been counted yet, as far as that
// can be known.
func (r *run) unread(f figures) (ids []string) {
	for _, c := range lasting() {
		t, err := r.told(c.id, "written")
		out, served := account(f, c.id, "stdout")
		failures, servedToo := account(f, c.id, "stderr")
		enough := out.InBytes >= t.OutBytes || !c.counted("stdout") || !served
		if err != nil || !enough || servedToo && c.counted("stderr") && failures.InBytes < t.ErrBytes {
			ids = append(ids, c.id)
		}
	}
	return ids
}

// counted says whether a stream's account is exact. What a hostile container did to its
// live file while the owner was killed nobody knows, and output that is discarded as the
// operator wants is counted in memory alone.
func (c container) counted(stream string) bool {
	return stream == "stderr" && c.policy.name != "debug" || c.kind != hostile && c.kind != silent
}

// accounts compares what the owner says of each stream with what its container says.
func (r *run) accounts(last figures) (err error) {
	for _, c := range lasting() {
		t, toldErr := r.told(c.id, "written")
		err = errors.Join(err, toldErr)
		r.lasts = append(r.lasts, t.Last)
		r.acts += t.Acts
		for stream, wrote := range map[string]int64{"stdout": t.OutBytes, "stderr": t.ErrBytes} {
			s, served := account(last, c.id, stream)
			if !served {
				if c.policy.name != "discard" || stream != "stdout" {
					err = errors.Join(err, fmt.Errorf("%s of %s is not served", stream, c.id))
				}
				continue
			}
			if s.InBytes != s.WrittenBytes+s.DroppedBytes {
				err = errors.Join(err, fmt.Errorf("%s of %s: %d bytes in, %d written, %d dropped", stream, c.id, s.InBytes, s.WrittenBytes, s.DroppedBytes))
			}
			if c.counted(stream) && s.InBytes != wrote {
				err = errors.Join(err, fmt.Errorf("%s of %s: %d bytes in, the container wrote %d", stream, c.id, s.InBytes, wrote))
			}
		}
	}
	return err
}

// compareAll compares the series of all containers that have begun.
func (r *run) compareAll() (all error) {
	begun, err := filepath.Glob(r.place.note("*", "begun"))
	if err != nil {
		return err
	}
	for _, note := range begun {
		c := containerOf(strings.TrimSuffix(filepath.Base(note), ".begun"))
		if err := r.compare(c); err != nil {
			all = errors.Join(all, fmt.Errorf("%s: %w", c.id, err))
		}
		r.checked++
	}
	return all
}

func (r *run) compare(c container) error {
	t, err := r.told(c.id, "done")
	if err != nil {
		return err
	}
	var ofOut error
	switch c.kind {
	case silent:
	case hostile:
		ofOut = r.endsWith(c, t.OutLines)
	default:
		ofOut = r.whole(c, "stdout", c.policy.options, t.OutLines, c.policy.keepsAll)
	}
	if c.kind == silent && c.policy.name == "debug" {
		return nil
	}
	return errors.Join(ofOut, r.whole(c, "stderr", stderrOptions, t.ErrLines, true))
}

// whole compares a series with what the container wrote.
func (r *run) whole(c container, stream, options string, lines int, keepsAll bool) error {
	log, err := read(r.place.box(c.id), stream, options, 0)
	if err != nil {
		return fmt.Errorf("read %s: %w", stream, err)
	}
	proof, err := lossproof.Check(text(c.id, stream, lines), log)
	r.checkedBytes += int64(len(log))
	r.lostBytes += int64(proof.Bytes)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", stream, err)
	case proof.Missing > 0 && keepsAll:
		return fmt.Errorf("%s: the first %d bytes are missing", stream, proof.Missing)
	case c.kind != hostile && len(proof.Marks) > 0:
		return fmt.Errorf("%s: %d bytes are lost, and the container attacked nobody: %+v", stream, proof.Bytes, proof.Marks)
	}
	return nil
}

// endsWith looks whether the log of a container that fights no more goes on to its end:
// it may begin, and have been spoilt, anywhere before.
func (r *run) endsWith(c container, lines int) error {
	const compared = 100
	var log []byte
	var err error
	if c.policy.keepsNone() { // names of rotated files are the container's own
		log, err = os.ReadFile(filepath.Join(r.place.box(c.id), "stdout"))
	} else {
		log, err = read(r.place.box(c.id), "stdout", c.policy.options, compared)
	}
	if err != nil && !errors.Is(err, series.ErrIncomplete) {
		return fmt.Errorf("read stdout: %w", err)
	}
	var want []byte
	for n := max(0, lines-compared); n < lines; n++ {
		want = appendLine(want, c.id, "stdout", n)
	}
	if c.policy.keepsNone() { // only what follows the last rotation
		if len(log) < len(want) {
			want = want[len(want)-len(log):]
		}
	}
	if !bytes.HasSuffix(log, want) {
		return fmt.Errorf("stdout ends with %.120q, the container's last line is %.120q", log[max(0, len(log)-100):], want[max(0, len(want)-100):])
	}
	return nil
}

// read joins a series as `sluice logs` does, or gives its last lines: before them there may
// be terabytes of nothing.
func read(box, stream, options string, lastLines int64) ([]byte, error) {
	dir, err := sandbox.Open(box)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	policy, err := series.ReadPolicy(options)
	if err != nil {
		return nil, err
	}
	s := series.New(dir, stream, policy)
	defer s.Close()
	reader, err := s.Read()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	if lastLines > 0 {
		if err := reader.Last(lastLines); err != nil {
			return nil, err
		}
	}
	var log bytes.Buffer
	err = reader.Copy(context.Background(), &log)
	return log.Bytes(), err
}

func (r *run) summary() string {
	var slowest time.Duration
	for _, last := range r.lasts {
		slowest = max(slowest, last)
	}
	return fmt.Sprintf("%d owners, the longest start %.2f s; at most %d descriptors, %d threads, %d goroutines\n"+
		"%d acts of hostile containers, %d rotations, %d impostors, %d MB in, %.1f MB dropped\n"+
		"the slowest container wrote its last 10 MB in %.1f s\n"+
		"%d containers and %d MB of logs compared, %d bytes of them lost and marked\n",
		r.starts, r.longestStart.Seconds(), r.descriptors, r.threads, r.goroutines,
		r.acts, r.rotations, r.impostors, r.inBytes>>20, float64(r.dropped)/(1<<20),
		slowest.Seconds(), r.checked, r.checkedBytes>>20, r.lostBytes)
}
