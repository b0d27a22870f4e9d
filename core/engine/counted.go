package engine

import (
	"errors"

	"sluice/core/budget"
	"sluice/core/sandbox"
	"sluice/core/state"
	"sluice/core/worker"
)

// budgetOwner is the engine as its budget sees it.
type budgetOwner struct{ *Engine }

// Submit has a task run by the threads that move bytes.
func (o budgetOwner) Submit(task *worker.Task) {
	if instead := o.hooks.submit.Load(); instead != nil {
		(*instead)(task)
		return
	}
	o.reactor.Workers.Submit(task)
}

// ForgetEnded removes the record of an ended stream.
func (o budgetOwner) ForgetEnded(id string) error { return o.state.RemoveEnded(id) }

// startBudget makes the budget if there is to be one.
func (e *Engine) startBudget() {
	if e.settings.NodeMaxBytes == 0 && !e.settings.NodeMinFree.On() {
		return
	}
	e.budget = budget.New(budget.Config{
		MostBytes: e.settings.NodeMaxBytes, MinFree: e.settings.NodeMinFree,
		Owner: budgetOwner{e}, Host: e.reactor.Self, Guard: e.guard, Log: e.log,
	})
}

// An entry is a series of which the budget deletes files (budget.Series).

func (e *entry) LiveDiskBytes() int64 { return e.Stream.LiveDiskBytes() }

// Borrow keeps the sandbox open.
func (e *entry) Borrow() (dir *sandbox.Dir, release func()) {
	e.box.users.Add(1)
	return e.box.Dir, e.box.release
}

// Explain tells in the sandbox what was deleted, and has the record say so for the next
// owner.
func (e *entry) Explain() {
	e.Policy.Write()
	e.Stream.SaveSoon()
	e.engine.reactor.Loop.Nudge(e.Member)
}

// recoverEnded counts what ended streams have left, those of owners before too. Nothing
// that it finds keeps anybody from starting.
func (e *Engine) recoverEnded() error {
	ids, err := e.state.Ended()
	if err != nil {
		return err
	}
	unusable, later, left, why := 0, 0, 0, error(nil)
	for _, id := range ids {
		keep, err := e.recoverOneEnded(id)
		switch {
		case keep && err != nil:
			later, why = later+1, err
		case keep:
		case err != nil:
			unusable, why = unusable+1, err
		default:
			if err := e.state.RemoveEnded(id); err != nil {
				left, why = left+1, err
			}
		}
	}
	if unusable+later+left > 0 {
		e.log.Warn("what some ended streams have left does not count",
			"unusable", unusable, "until_the_next_start", later, "not_removed", left, "last_error", why)
	}
	return nil
}

// recoverOneEnded counts what one has left, or leaves its record to a newer version, or,
// with an error, to a start with more descriptors. It reports false where the record is of
// no use.
func (e *Engine) recoverOneEnded(id string) (keep bool, err error) {
	record, err := e.state.LoadEnded(id)
	switch {
	case errors.Is(err, state.ErrNewer):
		return true, nil
	case errors.Is(err, state.ErrTorn):
	case err != nil:
		return true, err
	default:
		err = checkRecord(record)
	}
	if err != nil {
		return false, errors.Join(err, e.state.RemoveEnded(id))
	}
	if e.budget == nil || e.budget.Full() {
		return false, nil
	}
	e.budget.CountEnded(budget.Of{ID: id, Record: record, Settings: RecordedSettings(e.settings, record), As: identityOf(record)})
	return true, nil
}
