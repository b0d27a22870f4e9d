package settings

import (
	"errors"
	"time"
)

// OnFull says what becomes of a container's output when a failing write has been
// waited for long enough.
type OnFull int

// The values of on_full.
const (
	// Drop discards and counts what comes until writing works again.
	Drop OnFull = iota
	// Block lets the container wait until writing works again.
	Block
)

// WhenFull is what a failing write leads to: first room is made, then the output is
// held back for a while, then the policy holds.
type WhenFull struct {
	// Evict says that the stream's own rotated files are removed, the oldest first,
	// where there is no room.
	Evict     bool
	EvictFrom Origin
	// Wait is how long the pipe holds the output back.
	Wait     time.Duration
	WaitFrom Origin
	// Policy is what follows.
	Policy     OnFull
	PolicyFrom Origin
}

// maxFullWait is the longest full_wait.
const maxFullWait = time.Hour

// setEvictOnFull fills whether a stream's own history makes room. A task may say
// either: it is its own history, which it could remove or keep by itself.
func setEvictOnFull(m *Module, text string, from Origin) error {
	on, err := parseSwitch(text)
	if err != nil {
		return expected(err, switchForm)
	}
	for _, s := range []*Stream{&m.Stdout, &m.Stderr} {
		s.WhenFull.Evict, s.WhenFull.EvictFrom = on, from
	}
	return nil
}

// setFullWait fills how long a failing write is waited for. A task can only lower
// what the operator set.
func setFullWait(m *Module, text string, from Origin) error {
	most, whose := m.Stdout.WhenFull.Wait, m.Stdout.WhenFull.WaitFrom
	var wait time.Duration
	err := setDuration(func(*Module) *time.Duration { return &wait }, 0, maxFullWait)(m, text, from)
	if err != nil {
		return err
	}
	over := from.Task && wait > most
	if over {
		wait = most
	}
	for _, s := range []*Stream{&m.Stdout, &m.Stderr} {
		s.WhenFull.Wait, s.WhenFull.WaitFrom = wait, from
	}
	if over {
		if whose.Name == "" {
			whose.Name = "full_wait"
		}
		return m.Task.over(&m.Stdout, from, text, FormatDuration(most), whose.String())
	}
	return nil
}

// setOnFull fills what becomes of the output then. A task may say either: one that
// blocks harms only itself.
func setOnFull(m *Module, text string, from Origin) error {
	policies := map[string]OnFull{"drop": Drop, "block": Block}
	policy, known := policies[text]
	if !known {
		return expected(errors.New("is none of them"), onFullForm)
	}
	for _, s := range []*Stream{&m.Stdout, &m.Stderr} {
		s.WhenFull.Policy, s.WhenFull.PolicyFrom = policy, from
	}
	return nil
}

// lines tell what was set, for people.
func (w WhenFull) lines() (lines []string) {
	if w.EvictFrom.Name != "" {
		text := "its rotated files make room on a full disk"
		if !w.Evict {
			text = "its rotated files stay on a full disk"
		}
		lines = append(lines, w.EvictFrom.String()+": "+text)
	}
	if w.WaitFrom.Name != "" {
		lines = append(lines, w.WaitFrom.String()+": a failing write is waited for "+FormatDuration(w.Wait))
	}
	if w.PolicyFrom.Name != "" {
		text := "then output is dropped, counted and marked here"
		if w.Policy == Block {
			text = "then the container waits"
		}
		lines = append(lines, w.PolicyFrom.String()+": "+text)
	}
	return lines
}
