package rotation

import (
	"fmt"
	"os/user"
	"strconv"

	"sluice/core/logrotate"
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
		u, err := user.Lookup(c.Owner)
		if err != nil {
			u, err = user.LookupId(c.Owner)
		}
		if err == nil {
			o.uid, err = strconv.Atoi(u.Uid)
		}
		if err != nil {
			return o, fmt.Errorf("%s: unknown user %q; expected a user of this machine", directive, c.Owner)
		}
	}
	if c.Group != "" {
		g, err := user.LookupGroup(c.Group)
		if err != nil {
			g, err = user.LookupGroupId(c.Group)
		}
		if err == nil {
			o.gid, err = strconv.Atoi(g.Gid)
		}
		if err != nil {
			return o, fmt.Errorf("%s: unknown group %q; expected a group of this machine", directive, c.Group)
		}
	}
	return o, nil
}
