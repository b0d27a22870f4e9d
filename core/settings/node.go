package settings

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Free is how much of a file system is to stay free: bytes, or a share of it. The
// zero value asks for nothing.
type Free struct {
	Bytes   int64
	Percent int
}

// On tells whether anything is asked for.
func (f Free) On() bool { return f.Bytes > 0 || f.Percent > 0 }

// Of is how many bytes that is of a file system of this size.
func (f Free) Of(totalBytes int64) int64 {
	if f.Percent > 0 {
		return totalBytes / 100 * int64(f.Percent)
	}
	return f.Bytes
}

// offWord turns a bound off.
const offWord = "off"

// maxPercent leaves room for something to be written.
const maxPercent = 90

// setNodeMaxBytes fills the budget of all series together.
func setNodeMaxBytes(m *Module, text string, from Origin) error {
	if text == offWord {
		m.NodeMaxBytes = 0
		return nil
	}
	if _, err := parseSize(text); err != nil {
		return expected(err, budgetForm)
	}
	return setSize(func(m *Module) *int64 { return &m.NodeMaxBytes }, pageBytes(), 1<<60)(m, text, from)
}

// setNodeMinFree fills what is to stay free.
func setNodeMinFree(m *Module, text string, from Origin) error {
	m.NodeMinFree = Free{}
	if text == offWord {
		return nil
	}
	if number, percent := strings.CutSuffix(text, "%"); percent {
		share, err := strconv.ParseUint(number, 10, 31)
		if err != nil {
			return expected(errors.New("is not a whole percentage"), freeForm)
		}
		if share < 1 || share > maxPercent {
			return fmt.Errorf("is out of range; expected 1%% to %d%%", maxPercent)
		}
		m.NodeMinFree.Percent = int(share)
		return nil
	}
	if _, err := parseSize(text); err != nil {
		return expected(err, freeForm)
	}
	return setSize(func(m *Module) *int64 { return &m.NodeMinFree.Bytes }, 1, 1<<60)(m, text, from)
}

// contradiction says which of the operator's settings cannot hold together, and why.
func (m Module) contradiction() error {
	one := Container{m.Stdout, m.Stderr}
	switch {
	case m.NodeMaxBytes > 0 && one.demandBytes() > m.NodeMaxBytes:
		return m.wrong("node_max_bytes", "%s is less than one container may keep, %d bytes by the limits and `rotate` of its "+
			"streams; expected at least that, or smaller limits", FormatSize(m.NodeMaxBytes), one.demandBytes())
	case m.NodeMaxBytes > 0 && m.Task.MaxBytes > m.NodeMaxBytes:
		return m.wrong("task_max_size", "%s is more than node_max_bytes, %s: the live files of a task alone could pass it; expected at most that",
			FormatSize(m.Task.MaxBytes), FormatSize(m.NodeMaxBytes))
	case m.NodeMinFree.On() && m.Stdout.WhenFull.Policy == Block:
		return m.wrong("on_full", "block lets containers wait for a full disk, and node_min_free deletes rotated files so that none has to; "+
			"expected on_full=drop, or node_min_free=off")
	case m.NodeMinFree.On() && !m.Stdout.WhenFull.Evict:
		return m.wrong("evict_on_full", "false keeps the rotated files when the disk is full, and node_min_free deletes them before it is; "+
			"expected evict_on_full=true, or node_min_free=off")
	}
	return nil
}

func (m Module) wrong(name, format string, args ...any) error {
	return &Error{From: Origin{Name: name}, Reason: fmt.Sprintf(format, args...)}
}

// fitNode holds what a task asks for against the budget of the node, whose live files
// alone must not be able to pass it. It names the first stream that asks for too
// much.
func (r *taskReader) fitNode() error {
	most := r.operator.NodeMaxBytes
	for _, pair := range r.pairs() {
		c := Container{r.module.Stdout, r.module.Stderr}
		from := pair.task.sizedBy()
		if most == 0 || c.demandBytes() <= most || !from.Task {
			continue
		}
		err := &Error{From: from, Reason: fmt.Sprintf(
			"the container could keep %d bytes, more than all containers of the node together; expected at most %s (parameter node_max_bytes)",
			c.demandBytes(), FormatSize(most))}
		if r.operator.Task.Override == Refuse {
			return err
		}
		pair.task.MaxBytes, pair.task.MaxBytesFrom = pair.operator.MaxBytes, pair.operator.MaxBytesFrom
		pair.task.OptionsText, pair.task.OptionsFrom = pair.operator.OptionsText, pair.operator.OptionsFrom
		read, failed := r.module.readPolicy(*pair.task, r.user, r.sandbox)
		if failed != nil {
			return failed
		}
		*pair.task = read
		r.notes = append(r.notes, Note{Warning, err.Error() + "; the operator's size and options hold"})
	}
	return nil
}

// sizedBy says who asked for what the stream may keep, a task first.
func (s Stream) sizedBy() Origin {
	if s.MaxBytesFrom.Task {
		return s.MaxBytesFrom
	}
	return s.OptionsFrom
}
