package rotation

import (
	"fmt"
	"os/user"
	"sluice/core/logrotate"
	"strconv"
)

// owners are the owners that a policy names, as numbers.
type owners struct {
	create, olddir owner
}

// owner has -1 where the policy names none.
type owner struct {
	uid, gid int
}

// over puts what the policy says over what a file had.
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

func resolveOwners(policy logrotate.Policy) (owners, error) {
	create, err := resolve("create", policy.Create)
	if err != nil {
		return owners{}, err
	}
	olddir, err := resolve("createolddir", policy.CreateOldDir)
	return owners{create: create, olddir: olddir}, err
}

func resolve(directive string, c logrotate.Creation) (owner, error) {
	o := owner{uid: -1, gid: -1}
	if c.Owner != "" {
		uid, ok := userID(c.Owner)
		if !ok {
			return o, fmt.Errorf("%s: unknown user %q; expected a user of this machine", directive, c.Owner)
		}
		o.uid = uid
	}
	if c.Group != "" {
		gid, ok := groupID(c.Group)
		if !ok {
			return o, fmt.Errorf("%s: unknown group %q; expected a group of this machine", directive, c.Group)
		}
		o.gid = gid
	}
	return o, nil
}

// KnownUser and KnownGroup tell whether this machine has a user or group of that name
// or number, for the rules by which texts are read. They read the user database and
// may block as that does.
func KnownUser(name string) bool {
	_, ok := userID(name)
	return ok
}

// KnownGroup is KnownUser for groups.
func KnownGroup(name string) bool {
	_, ok := groupID(name)
	return ok
}

// GroupID gives the number of a group by its name or number.
func GroupID(name string) (int, error) {
	gid, ok := groupID(name)
	if !ok {
		return -1, fmt.Errorf("unknown group %q; expected a group of this machine", name)
	}
	return gid, nil
}

func userID(name string) (int, bool) {
	u, err := user.Lookup(name)
	if err != nil {
		u, err = user.LookupId(name)
	}
	if err != nil {
		return 0, false
	}
	uid, err := strconv.Atoi(u.Uid)
	return uid, err == nil
}

func groupID(name string) (int, bool) {
	g, err := user.LookupGroup(name)
	if err != nil {
		g, err = user.LookupGroupId(name)
	}
	if err != nil {
		return 0, false
	}
	gid, err := strconv.Atoi(g.Gid)
	return gid, err == nil
}
