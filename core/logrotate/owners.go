package logrotate

import (
	"fmt"
	"io/fs"
	"strconv"
)

// owned is an owner named in the text, to be checked if still in force at its end.
type owned struct {
	at        word
	directive string
	creation  *Creation
}

func readCreate(p *parser, key word) error {
	return p.creation(key, &p.policy.Create)
}

func readCreateOldDir(p *parser, key word) error {
	return p.creation(key, &p.policy.CreateOldDir)
}

// creation reads "[mode] [owner] [group]". What a later directive leaves out keeps
// its value from an earlier one.
func (p *parser) creation(key word, c *Creation) error {
	text, at := p.rest()
	fields := fieldsOf(word{at, text})
	c.On = true
	if len(fields) > 0 && isModeLike(fields[0].text) {
		mode, err := strconv.ParseUint(fields[0].text, 8, 16)
		if err == nil {
			c.Mode, c.ModeSet = fs.FileMode(mode).Perm(), true
			if mode&^0o777 != 0 {
				p.warn(key, "only the permission bits of the mode are set")
			}
			fields = fields[1:]
		} else if len(fields) == 3 {
			return p.errorAt(fields[0].mark, fields[0].text, "bad mode", "an octal number")
		}
	}
	if len(fields) > 2 {
		reason := "too many values of " + key.text
		if why := mistake(text); why != "" {
			reason += ": " + why
		}
		return p.errorAt(at, text, reason, "[mode] [owner] [group]")
	}
	if err := p.known(fields); err != nil {
		return err
	}
	if len(fields) > 0 {
		c.Owner = fields[0].text
		p.ownersOf = append(p.ownersOf, owned{at: fields[0], directive: key.text, creation: c})
	}
	if len(fields) > 1 {
		c.Group = fields[1].text
	}
	return nil
}

func isModeLike(field string) bool { return field[0] >= '0' && field[0] <= '7' && len(field) <= 6 }

// known refuses a user and a group that do not exist. Each name is looked up once a
// text: a name service may take its time over each.
func (p *parser) known(fields []word) error {
	for i, name := range fields {
		lookup, kind := p.rules.KnownUser, "user"
		if i == 1 {
			lookup, kind = p.rules.KnownGroup, "group"
		}
		known, err := p.lookedUp(kind, name.text, lookup)
		if err != nil {
			return p.errorAt(name.mark, name.text, err.Error(), "an answer, or the "+kind+" by its number")
		}
		if len(name.text) > maxNamePartBytes || !plain(name.text, false) || !known {
			return p.errorAt(name.mark, name.text, "unknown "+kind, "a "+kind+" of this machine, by name or number")
		}
	}
	return nil
}

// lookedUp asks once for every name. The answers are shared by copies of the parser.
func (p *parser) lookedUp(kind, name string, lookup func(string) (bool, error)) (known bool, err error) {
	if lookup == nil {
		return true, nil
	}
	key := kind + " " + name
	known, asked := p.lookups[key]
	if asked || len(p.lookups) >= maxLookups {
		return known, nil
	}
	if known, err = lookup(name); err == nil {
		p.lookups[key] = known
	}
	return known, err
}

// maxLookups is how many different names one text may have looked up: nobody needs
// more, and who waits for a name service holds a launch up.
const maxLookups = 32

// checkOwners decides about owners other than the user that the files belong to. A task
// may name only its own. An operator's text is one for all tasks: where another user's
// files are in hand the owner is left out. Which groups a user may give files to, the
// kernel decides.
func (p *parser) checkOwners() error {
	for _, o := range p.ownersOf {
		if !o.creation.On || o.creation.Owner != o.at.text || sameUser(o.at.text, p.rules.User) {
			continue
		}
		at := word{o.at.mark, o.directive}
		switch {
		case p.rules.Trust == Task && !p.rules.leavesOut():
			return p.errorAt(o.at.mark, o.at.text, "a task can give files to its own user only", p.ownUser())
		case p.rules.Trust == Task:
			p.warn(at, "the owner is left out: a task can give files to its own user only")
			p.keepOwner(o.creation)
		case p.anyTask():
			p.warn(at, fmt.Sprintf("the owner %q holds for that user's tasks only: the files of other tasks stay their users' own", clip(o.at.text)))
		case p.rules.User != "" && !sameUser(p.rules.User, "root"):
			p.warn(at, fmt.Sprintf("the owner %q is left out: the files stay the task's user's own", clip(o.at.text)))
			p.keepOwner(o.creation)
		}
	}
	return nil
}

// keepOwner has new files belong to the task's user. The language has no group without
// an owner, so that where the user is not known the group goes as well.
func (p *parser) keepOwner(c *Creation) {
	if c.Owner = p.rules.User; c.Owner == "" {
		c.Group = ""
	}
}

// anyTask says that the text is read for all tasks to come.
func (p *parser) anyTask() bool { return p.rules.Sandbox == "" && p.rules.User == "" }

// sameUser compares names; root is often written as its number.
func sameUser(a, b string) bool {
	return a == b || (a == "0" || a == "root") && (b == "0" || b == "root")
}

func (p *parser) ownUser() string {
	if p.rules.User == "" {
		return "no owner"
	}
	return fmt.Sprintf("%q, or no owner", clip(p.rules.User))
}

// readSu accepts what is the case anyway: files are handled as the task's user. What an
// operator says of another user goes for that user's tasks only.
func readSu(p *parser, key word) error {
	text, at := p.rest()
	fields := fieldsOf(word{at, text})
	if len(fields) != 2 {
		return p.errorAt(at, text, badValue("su", mistake(text)), "a user and a group")
	}
	if err := p.known(fields); err != nil {
		return err
	}
	switch {
	case sameUser(fields[0].text, p.rules.User):
	case p.rules.Trust == Operator:
		p.warn(key, "without effect: files are handled with the rights of the task's user")
	case p.rules.leavesOut():
		p.warn(key, "left out: files are handled with the rights of the task's user and no other")
	default:
		return p.errorAt(fields[0].mark, fields[0].text, "files are handled with the rights of the task's user and no other", p.ownUser())
	}
	return nil
}
