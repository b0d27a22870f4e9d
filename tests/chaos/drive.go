package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sluice/tests/kit"
)

// patience is how long at most everything may take that ought to happen at once: no
// machine is that busy.
const patience = 10 * time.Minute

// run is one of chaos, from the outside.
type run struct {
	options
	place place
	owner *kit.Running
	// empty is what an owner without containers has, and leaves.
	empty struct {
		descriptors int
		state       []string
	}
	starts       int
	longestStart time.Duration
	// Of all owners, the most at any time.
	descriptors, threads, goroutines int
	// Of all owners together, as they were asked last.
	inBytes, rotations, impostors, dropped int64
	lasts                                  []time.Duration
	acts                                   int64
	checked                                int
	checkedBytes                           int64
	lostBytes                              int64
}

func (r *run) all() error {
	if err := r.prepare(); err != nil {
		return err
	}
	defer func() {
		if r.owner != nil {
			r.owner.Kill()
		}
	}()
	if err := r.fight(); err != nil {
		return err
	}
	last, err := r.peace()
	if err != nil {
		return err
	}
	return errors.Join(r.accounts(last), r.home(), r.compareAll())
}

// prepare lays out the directories, and looks at an owner that has no containers.
func (r *run) prepare() error {
	err := errors.Join(os.Chmod(string(r.place), 0o711), os.Mkdir(r.place.boxes(), 0o755), os.Mkdir(r.place.notes(), 0o755),
		os.Chmod(r.place.notes(), 0o777), os.WriteFile(r.place.secret(), []byte("secret\n"), 0o600), kit.Ends(r.place.ends()).Make())
	if err != nil {
		return err
	}
	if err := r.start(0); err != nil {
		return err
	}
	r.empty.descriptors = kit.Entries(fmt.Sprintf("/proc/%d/fd", r.owner.PID()))
	err = r.owner.Terminate()
	r.owner, r.starts = nil, 0
	if err != nil {
		return err
	}
	r.empty.state, err = names(r.place.state())
	return err
}

// start starts an owner and waits until it serves.
func (r *run) start(generation int) (err error) {
	begin := time.Now()
	r.owner, err = kit.Start(filepath.Join(r.out, "owner.log"), kit.OwnRole, "-place="+string(r.place),
		fmt.Sprint("-seed=", r.seed), fmt.Sprint("-rate=", r.rate()), fmt.Sprint("-generation=", generation))
	if err != nil {
		return err
	}
	err = r.owner.Ask(&figures{})
	r.starts++
	r.longestStart = max(r.longestStart, time.Since(begin))
	return err
}

// look asks the owner, and looks at what it has.
func (r *run) look() (f figures, err error) {
	if err := r.owner.Ask(&f); err != nil {
		return f, err
	}
	r.descriptors = max(r.descriptors, kit.Entries(fmt.Sprintf("/proc/%d/fd", r.owner.PID())))
	r.threads = max(r.threads, kit.Entries(fmt.Sprintf("/proc/%d/task", r.owner.PID())))
	r.goroutines = max(r.goroutines, f.Goroutines)
	return f, r.sane(f)
}

// fight kills the owner again and again until the time is up.
func (r *run) fight() error {
	if err := r.start(1); err != nil {
		return err
	}
	if err := r.await("begin", func() ([]string, error) { return r.without("begun"), nil }); err != nil {
		return err
	}
	begin := time.Now()
	for generation := 2; time.Since(begin) < r.duration; generation++ {
		var f figures
		for killed := time.Now().Add(r.every); time.Now().Before(killed); time.Sleep(r.every / 10) {
			var err error
			if f, err = r.look(); err != nil {
				return err
			}
		}
		r.add(f)
		if err := r.replace(generation); err != nil {
			return err
		}
	}
	return nil
}

// replace kills the owner in the middle of its work and starts the next one. Containers
// do not end meanwhile, and those that have ended before have nothing left in a pipe.
func (r *run) replace(generation int) error {
	begin := time.Now()
	release, err := kit.Ends(r.place.ends()).HoldOff(func() bool {
		return time.Since(begin) < patience && len(r.endedButOwned()) > 0
	})
	if err != nil {
		return err
	}
	defer release()
	if left := r.endedButOwned(); len(left) > 0 {
		return fmt.Errorf("for %v the owner still serves what has ended: %v", patience, left)
	}
	r.owner.Kill()
	return r.start(generation)
}

// endedButOwned are the containers that have ended, but not for the owner.
func (r *run) endedButOwned() (ids []string) {
	notes, _ := filepath.Glob(r.place.note("*", "done"))
	for _, note := range notes {
		if id := strings.TrimSuffix(filepath.Base(note), ".done"); kit.IsOwned(r.place.state(), id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// peace waits until every container has written the last of its output, and all of it
// has been taken out of the pipes.
func (r *run) peace() (last figures, err error) {
	if err := os.WriteFile(r.place.announcement(peaceNote), nil, 0o644); err != nil {
		return last, err
	}
	err = r.await("write 10 MB", func() ([]string, error) {
		_, err := r.look()
		return r.without("written"), err
	})
	if err != nil {
		return last, err
	}
	return last, r.await("be read", func() ([]string, error) {
		if last, err = r.look(); err != nil {
			return nil, err
		}
		return r.unread(last), nil
	})
}

// home has all containers end, and then the owner, which has to leave nothing.
func (r *run) home() error {
	if err := os.WriteFile(r.place.announcement(homeNote), nil, 0o644); err != nil {
		return err
	}
	var f figures
	err := r.await("end", func() (left []string, err error) {
		if f, err = r.look(); err != nil {
			return nil, err
		}
		for _, stream := range f.Served {
			left = append(left, stream.Container+" "+stream.Stream)
		}
		if len(left) == 0 && f.Streams+f.Compressions > 0 {
			left = append(left, fmt.Sprintf("%d streams, %d compressions", f.Streams, f.Compressions))
		}
		return left, nil
	})
	r.add(f)
	if err != nil {
		return err
	}
	left := kit.Entries(fmt.Sprintf("/proc/%d/fd", r.owner.PID()))
	if left > r.empty.descriptors+slack {
		err = fmt.Errorf("%d descriptors are left, an owner without containers has %d", left, r.empty.descriptors)
	}
	err = errors.Join(err, r.owner.Terminate())
	r.owner = nil
	state, readErr := names(r.place.state())
	if !slices.Equal(state, r.empty.state) {
		err = errors.Join(err, fmt.Errorf("the state directory is left with %v, without containers with %v", state, r.empty.state))
	}
	return errors.Join(err, readErr)
}

// await waits until nobody is left who has to do something.
func (r *run) await(what string, missing func() ([]string, error)) error {
	for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		left, err := missing()
		if err != nil || len(left) == 0 {
			return err
		}
		if time.Since(begin) > patience {
			var f figures
			_ = r.owner.Ask(&f)
			return fmt.Errorf("%v did not %s within %v; what is served: %+v", left, what, patience, f.Served)
		}
	}
}

// without are the containers of the whole run that have not left a note.
func (r *run) without(note string) (ids []string) {
	for _, c := range lasting() {
		if _, err := os.Stat(r.place.note(c.id, note)); err != nil {
			ids = append(ids, c.id)
		}
	}
	return ids
}

func names(dir string) (all []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all, err
}
