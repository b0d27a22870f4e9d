package rotation

import (
	"errors"
	"fmt"
	"time"

	"sluice/core/logrotate"
	"sluice/core/names"
)

// owners are the owners that a policy names, as numbers.
type owners struct {
	create, olddir owner
}

// owner has -1 where the policy names none.
type owner struct {
	uid, gid int
}

// over applies what the policy says to what a file had.
func (o owner) over(live LiveFile, c logrotate.Creation) LiveFile {
	if c.ModeSet {
		live.Mode = c.Mode
	}
	if o.uid >= 0 {
		live.UID = o.uid
	}
	if o.gid >= 0 {
		live.GID = o.gid
	}
	return live
}

// resolveOwners gives the numbers of the owners that a policy names; those that the error tells
// of are -1.
func resolveOwners(policy logrotate.Policy, patience time.Duration) (owners, error) {
	create, err := resolve("create", policy.Create, patience)
	olddir, more := resolve("createolddir", policy.CreateOldDir, patience)
	return owners{create: create, olddir: olddir}, errors.Join(err, more)
}

func resolve(directive string, c logrotate.Creation, patience time.Duration) (owner, error) {
	o := owner{uid: -1, gid: -1}
	var err error
	if c.Owner != "" {
		if o.uid, err = names.Machine.User(c.Owner, patience); err != nil {
			err = fmt.Errorf("%s: %w; expected a user of this machine", directive, err)
		}
	}
	if c.Group != "" {
		var more error
		if o.gid, more = names.Machine.Group(c.Group, patience); more != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w; expected a group of this machine", directive, more))
		}
	}
	return o, err
}

// findOwners resolves the owners of the policy. Without them a launch is refused, but a series
// with a past is not: its new files have the owner of the previous one until the owners are
// known.
func (s *Set) findOwners() (err error) {
	if !s.cfg.HasPast {
		s.owners, err = resolveOwners(s.cfg.Policy, launchPatience)
		return err
	}
	if s.owners, err = resolveOwners(s.cfg.Policy, patience); err == nil {
		return nil
	}
	if errors.Is(err, names.ErrNoAnswer) {
		s.ownersAsked = time.Now()
	}
	s.cfg.Log.Warn("an owner that the policy of a running container names is not to be had now; new files have the owner of the one before", "error", err)
	return nil
}

// askOwnersAgainLocked asks for owners that nobody answered for.
func (s *Set) askOwnersAgainLocked() {
	if s.ownersAsked.IsZero() || time.Since(s.ownersAsked) < askAgain {
		return
	}
	var err error
	s.ownersAsked = time.Now()
	if s.owners, err = resolveOwners(s.cfg.Policy, patience); !errors.Is(err, names.ErrNoAnswer) {
		s.ownersAsked = time.Time{}
	}
}

const (
	// patience is how long a series with a past waits for the name service.
	patience = 200 * time.Millisecond
	// askAgain is how long it waits before it asks again.
	askAgain = 10 * time.Second
	// launchPatience is how long a launch waits; prepare_timeout bounds it too.
	launchPatience = time.Minute
	// knownPatience is how long the reader of an options text waits for each name.
	knownPatience = 2 * time.Second
)

// KnownUser and KnownGroup tell whether this machine has a user or group of that name or number,
// for the rules by which options texts are read. The error says that nobody answers.
func KnownUser(name string) (bool, error) { return known(names.Machine.User(name, knownPatience)) }

// KnownGroup is KnownUser for groups.
func KnownGroup(name string) (bool, error) { return known(names.Machine.Group(name, knownPatience)) }

// GroupID gives the number of a group by its name or number.
func GroupID(name string) (int, error) { return names.Machine.Group(name, knownPatience) }

func known(_ int, err error) (bool, error) {
	if errors.Is(err, names.ErrUnknown) {
		return false, nil
	}
	return err == nil, err
}
